// Thousands of CustomResourceDefinitions at once: how fast they come, whom they keep waiting, when all see one more.
import { configMap } from './messages.mjs';
import { expectStatus, inNamespace, open, percentile, request } from './target.mjs';

const text = (description) => ({ type: 'string', description });
const words = (topic) => `What is wanted of ${topic}, in the words of who wrote the definition; a sentence or two.`;

/** A definition as operators have them: some forty fields, two levels deep, with defaults, lists of maps and a status. */
function definition(group, at) {
  const part = (topic) => ({
    type: 'object',
    description: words(topic),
    required: ['name'],
    properties: {
      name: { ...text(words('the name')), maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' },
      enabled: { type: 'boolean', default: true, description: words('the switch') },
      replicas: { type: 'integer', format: 'int32', minimum: 0, default: 1, description: words('the replicas') },
      labels: { type: 'object', additionalProperties: { type: 'string' }, description: words('the labels') },
      port: { 'x-kubernetes-int-or-string': true, description: words('the port') },
      mode: { ...text(words('the mode')), enum: ['Always', 'Never', 'OnFailure'] },
    },
  });
  const topics = ['storage', 'network', 'backup', 'monitoring', 'access'];
  const condition = { type: text('The type.'), status: text('The status.'), reason: text('The reason.') };
  const schema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          ...Object.fromEntries(topics.map((each) => [each, part(each)])),
          members: {
            type: 'array',
            items: part('a member'),
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
          },
        },
      },
      status: {
        type: 'object',
        properties: {
          phase: text('The phase.'),
          conditions: { type: 'array', items: { type: 'object', properties: condition } },
        },
      },
    },
  };
  const plural = `things${at}`;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: `thing${at}`, kind: `Thing${at}`, listKind: `Thing${at}List` },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
      ],
    },
  };
}

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** Ten kinds in each group, as operators have them. */
const groupOf = (at) => `g${Math.floor(at / 10)}.bench.example.com`;
const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));

/** For how long the server's event loop was held at most since this was asked last, in ms; undefined where it has none. */
async function heldMs(target) {
  const session = await open(target);
  const { body } = await request(session, 'GET', '/metrics', undefined, { accept: 'text/plain' });
  session.close();
  const found = /^nodejs_eventloop_lag_max_seconds ([\d.e-]+)$/m.exec(body);
  // It is sampled by a timer of 10 ms, which is counted in.
  return found ? Math.max(0, Number(found[1]) * 1000 - 10) : undefined;
}

/** Writes ConfigMaps one after the other while `work` goes on: milliseconds of each. */
async function besides(target, namespace, work) {
  const session = await open(target);
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  let going = true;
  const times = [];
  const writing = (async () => {
    while (going) {
      const from = performance.now();
      await expectStatus(request(session, 'POST', path, configMap(`c-${crypto.randomUUID()}`)), 201);
      times.push(performance.now() - from);
    }
  })();
  try {
    return { result: await work(), times };
  } finally {
    going = false;
    await writing;
    session.close();
    times.sort((a, b) => a - b);
  }
}

/** Milliseconds until an answer holds a text. */
async function until(session, path, accept, wanted, from) {
  for (;;) {
    const { status, body } = await request(session, 'GET', path, undefined, { accept });
    if (status === 200 && body.includes(wanted)) return performance.now() - from;
    await sleep(5);
  }
}

async function createAll(target, from, count, clients = 16) {
  const sessions = await Promise.all(Array.from({ length: 4 }, () => open(target)));
  let next = from;
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const session = sessions[index % sessions.length];
      while (next < from + count) {
        const at = next++;
        await expectStatus(request(session, 'POST', definitions, definition(groupOf(at), at)), 201);
      }
    }),
  );
  const begun = performance.now();
  const last = from + count - 1;
  const [session] = sessions;
  const path = `/apis/${groupOf(last)}/v1/namespaces/default/things${last}`;
  while ((await request(session, 'GET', path)).status !== 200) await sleep(5);
  for (const each of sessions) each.close();
  return performance.now() - begun;
}

/** One more definition where there are thousands: when each document shows it, in ms. */
async function oneMore(target, at) {
  const sessions = await Promise.all(Array.from({ length: 4 }, () => open(target)));
  const [first, second, third, fourth] = sessions;
  const group = groupOf(at);
  const kind = `Thing${at}`;
  const from = performance.now();
  await expectStatus(request(first, 'POST', definitions, definition(group, at)), 201);
  const [discovery, v3, v2] = await Promise.all([
    until(second, '/apis', aggregated, `"${kind}"`, from),
    until(third, `/openapi/v3/apis/${group}/v1`, 'application/json', `v1.${kind}"`, from),
    until(fourth, '/openapi/v2', 'application/json', `v1.${kind}"`, from),
  ]);
  for (const each of sessions) each.close();
  return { discovery, v3, v2 };
}

/** Definitions, `count` of them: figures by name, in ms but for the memory. */
export function manyDefinitions({ target, memoryMb }, count) {
  return inNamespace(target, async (_, namespace) => {
    const calm = await besides(target, namespace, () => sleep(3000));
    const memoryBefore = memoryMb();
    await heldMs(target);
    const from = performance.now();
    const { result: settled, times } = await besides(target, namespace, () => createAll(target, 0, count));
    const took = performance.now() - from;
    const heldByCreating = await heldMs(target);
    await sleep(5000);
    const memory = memoryMb();
    await heldMs(target);
    // The first to ask pays for all documents, as after a start.
    const first = await oneMore(target, count);
    const heldByFirst = await heldMs(target);
    const rounds = [];
    const { times: whileShown } = await besides(target, namespace, async () => {
      for (let round = 1; round <= 5; round++) rounds.push(await oneMore(target, count + round));
    });
    const heldByShowing = await heldMs(target);
    const worst = (name) => Math.max(...rounds.map((each) => each[name]));
    return {
      took,
      settled,
      calm: percentile(calm.times, 0.99),
      p99: percentile(times, 0.99),
      longest: times.at(-1),
      heldByCreating,
      memoryBefore,
      memory,
      first,
      heldByFirst,
      discovery: worst('discovery'),
      v3: worst('v3'),
      v2: worst('v2'),
      p99WhileShown: percentile(whileShown, 0.99),
      heldByShowing,
    };
  });
}
