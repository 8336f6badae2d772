// Long lists: how long they take, and how long they keep others waiting.
import { countItems, pod, protobufType, toProtobuf } from './messages.mjs';
import { exchange, expectStatus, open, percentile, request } from './target.mjs';

/** A namespace in which Pods can be made, also where no controller gives it its service account. */
export async function makeNamespace(target, namespace) {
  const session = await open(target);
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await expectStatus(request(session, 'POST', '/api/v1/namespaces', body), 201);
  const account = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const own = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  const { status } = await request(session, 'POST', account, own);
  if (status !== 201 && status !== 409) throw new Error(`HTTP ${status} for a service account`);
  session.close();
}

/** Creates Pods until there are `total`; `from` are there already. */
export async function fillWithPods(target, namespace, from, total) {
  const sessions = await Promise.all(Array.from({ length: 8 }, () => open(target)));
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const headers = { accept: protobufType, 'content-type': protobufType };
  let next = from;
  await Promise.all(
    Array.from({ length: 64 }, async (_, index) => {
      while (next < total) {
        const body = toProtobuf(pod(`pod-${String(next++).padStart(6, '0')}`));
        await expectStatus(exchange(sessions[index % sessions.length], 'POST', path, body, headers), 201);
      }
    }),
  );
  for (const session of sessions) session.close();
}

/** Reads a whole answer and forgets it at once: to put 100 MB together would keep this process from all else. */
function readAway(session, path, accept) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path, accept });
    let bytes = 0;
    stream.on('data', (chunk) => {
      bytes += chunk.length;
    });
    stream.on('end', () => resolve(bytes));
    stream.on('error', reject);
  });
}

/** How long an event loop was held since it was asked last, in ms; undefined where the server has none. */
async function heldMs(session) {
  const { body } = await request(session, 'GET', '/metrics', undefined, { accept: 'text/plain' });
  const found = /^nodejs_eventloop_lag_max_seconds ([\d.e-]+)$/m.exec(body);
  // It is sampled by a timer of 10 ms, which is counted in.
  return found ? Math.max(0, Number(found[1]) * 1000 - 10) : undefined;
}

/** How long a list takes, in ms, and for how long at most it held the server's event loop or a small request. */
export async function listPods(target, namespace, { protobuf, expected, rounds = 6 }) {
  const [session, other] = await Promise.all([open(target), open(target)]);
  const path = `/api/v1/namespaces/${namespace}/pods?resourceVersion=0`;
  const accept = protobuf ? protobufType : 'application/json';
  const { body } = await expectStatus(exchange(session, 'GET', path, undefined, { accept }), 200);
  const count = protobuf ? countItems(body) : JSON.parse(body.toString()).items.length;
  if (count !== expected) throw new Error(`${count} Pods instead of ${expected}`);
  const times = [];
  await heldMs(other);
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    await readAway(session, path, accept);
    times.push(performance.now() - from);
  }
  const held = await heldMs(other);
  // Small requests beside it take from what is measured: they have rounds of their own.
  const waits = [];
  for (let round = 0; round < rounds / 2; round++) {
    let reading = true;
    const read = readAway(session, path, accept).finally(() => {
      reading = false;
    });
    while (reading) {
      const from = performance.now();
      await request(other, 'GET', '/livez');
      waits.push(performance.now() - from);
      await new Promise((wake) => setTimeout(wake, 2));
    }
    await read;
  }
  session.close();
  other.close();
  times.sort((a, b) => a - b);
  waits.sort((a, b) => a - b);
  return { ms: percentile(times, 0.5), least: times[0], held, waited: waits.at(-1), megabytes: body.length / 1e6 };
}
