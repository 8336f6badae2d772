import { createServer as createPlain } from 'node:http';
import { createServer as createTcp, type Server } from 'node:net';
import { isJsonObject } from '@keelson/core';
import { vi } from 'vitest';
import type { AskOracle } from '../../schema/oracle.test-data.ts';
import type { Json, TestWebhookServer } from './webhook-server.test-data.ts';

type Kind = 'mutatingwebhookconfigurations' | 'validatingwebhookconfigurations';
type AskArguments = Parameters<AskOracle>;

export interface Request {
  readonly method: AskArguments[0];
  /** Below the namespace of the test, or from the root. */
  readonly path: string;
  readonly body?: Json;
  readonly type?: string;
  /** Where an object may have no labels. */
  readonly unlabelled?: true;
}

export interface Hook extends Json {
  /** The path at the webhook server, and the first part of its name. */
  readonly path: string;
}

export interface Scenario {
  readonly name: string;
  readonly mutating?: readonly Hook[];
  readonly validating?: readonly Hook[];
  readonly requests: readonly Request[];
  /** Whether what webhooks were asked is recorded in full. */
  readonly reviews?: boolean;
}

export interface Stage {
  readonly ask: AskOracle;
  readonly server: TestWebhookServer;
  readonly namespace: string;
}

const configurations = '/apis/admissionregistration.k8s.io/v1/';
export const label = 'keelson.dev/scenario';

/** What a scenario came to: each request with its answer and what webhooks saw of it, without what differs by chance. */
export type Outcome = readonly Json[];

export const slug = (name: string) => name.replace(/[^a-z0-9]+/gi, '-').toLowerCase();

/** Makes the configurations of all scenarios, and removes them in the end. */
export async function prepare(stage: Stage, scenarios: readonly Scenario[]): Promise<() => Promise<void>> {
  const { ask, namespace } = stage;
  await ask('POST', '/api/v1/namespaces', JSON.stringify({ metadata: { name: namespace } }));
  const made: string[] = [];
  const make = async (kind: Kind, name: string, webhooks: readonly Json[]) => {
    const answer = await ask('POST', configurations + kind, JSON.stringify({ metadata: { name }, webhooks }));
    if (answer.code !== 201) throw new Error(`${name}: ${answer.text}`);
    made.push(`${configurations}${kind}/${name}`);
  };
  const probe: Scenario = {
    name: 'probe',
    mutating: [{ path: 'probe' }],
    validating: [{ path: 'probe-last' }],
    requests: [],
  };
  for (const scenario of [...scenarios, probe]) {
    const id = slug(scenario.name);
    if (scenario.mutating) {
      await make('mutatingwebhookconfigurations', `${namespace}-${id}`, scenario.mutating.map(hookOf(stage, id)));
    }
    if (scenario.validating) {
      await make('validatingwebhookconfigurations', `${namespace}-${id}`, scenario.validating.map(hookOf(stage, id)));
    }
  }
  await vi.waitFor(
    async () => {
      const body = { metadata: { name: 'probe', labels: { [label]: 'probe' } } };
      await ask('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, JSON.stringify(body));
      const paths = stage.server.seen.map(({ path }) => path.split('?')[0]);
      if (!paths.includes('/probe') || !paths.includes('/probe-last')) throw new Error('not yet');
    },
    { timeout: 20_000, interval: 50 },
  );
  return async () => {
    for (const path of made) await ask('DELETE', path);
    await ask('DELETE', `/api/v1/namespaces/${namespace}`);
  };
}

const hookOf =
  ({ server, namespace }: Stage, id: string) =>
  ({ path, ...more }: Hook): Json => ({
    name: `${path}.${id}.dev`,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { url: `https://127.0.0.1:${server.port}/${path}`, caBundle: server.caBundle },
    rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    objectSelector: { matchLabels: { [label]: id } },
    ...more,
  });

export async function play(stage: Stage, scenario: Scenario): Promise<Outcome> {
  const { ask, server, namespace } = stage;
  const id = slug(scenario.name);
  const outcomes: Json[] = [];
  for (const { method, path, body, type, unlabelled } of scenario.requests) {
    server.seen.length = 0;
    const where = path.startsWith('/') ? path : `/api/v1/namespaces/${namespace}/${path}`;
    const sent = body && JSON.stringify(unlabelled ? body : labelledWith(body, id)).replaceAll('NAMESPACE', namespace);
    const answer = await ask(method, where.replaceAll('NAMESPACE', namespace), sent, {
      ...(type !== undefined && { 'content-type': type }),
      ...(sent !== undefined && { 'content-length': String(Buffer.byteLength(sent)) }),
    });
    const { warning } = answer.headers;
    outcomes.push(
      plain(stage, {
        request: `${method} ${path}`,
        code: answer.code,
        ...(warning !== undefined && { warning }),
        ...answered(answer.text),
        seen: server.seen
          .filter(({ request }) => isOurs(request))
          .filter(({ path: at, request }, index, all) => !isTriedAgain(at, request, all.slice(index + 1)))
          .map(({ path: at, request }) =>
            scenario.reviews ? { path: at, ...reviewOf(request) } : { path: at, data: dataOf(request) },
          ),
      }),
    );
  }
  return outcomes;
}

/** An update that began with an object that was not the newest is made again, which asks webhooks again. */
const isTriedAgain = (path: string, { operation }: Json, later: readonly { readonly path: string }[]) =>
  operation === 'UPDATE' && later.some((each) => each.path === path);

/** Controllers of the real control plane write as well. */
const isOurs = ({ userInfo }: Json) =>
  !isJsonObject(userInfo) || !/^system:(?:kube|serviceaccount|apiserver|node)/.test(String(userInfo['username']));

function labelledWith(body: Json, id: string): Json {
  const { metadata } = body;
  if (!isJsonObject(metadata)) return body;
  const { labels } = metadata;
  return { ...body, metadata: { ...metadata, labels: { [label]: id, ...(isJsonObject(labels) ? labels : {}) } } };
}

function answered(text: string): Json {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { text };
  }
  if (!isJsonObject(body)) return {};
  const { kind, message, reason, details, data, metadata } = body;
  if (kind === 'Status') return { message, reason, details };
  const { name, managedFields, generation, deletionTimestamp } = isJsonObject(metadata) ? metadata : {};
  const owners: readonly unknown[] = Array.isArray(managedFields) ? managedFields : [];
  const managers = owners.map((each) => (isJsonObject(each) ? each['manager'] : each));
  const own = managers.filter((each) => each !== 'kube-controller-manager');
  return { kind, name, data, managers: own, generation, leaves: deletionTimestamp !== undefined };
}

function dataOf({ object }: Json): unknown {
  return isJsonObject(object) ? object['data'] : object;
}

const volatile = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'managedFields']);

/** A review without what is another one each time; of an object's metadata what is there, of large ones no more. */
function reviewOf({ uid: _uid, userInfo: _user, object, oldObject, ...rest }: Json): Json {
  return { ...rest, object: shortened(object), oldObject: shortened(oldObject) };
}

function shortened(object: unknown): unknown {
  if (!isJsonObject(object)) return object;
  const { metadata, spec, status, ...rest } = object;
  const large = object['kind'] === 'Pod' || object['kind'] === 'Deployment' || object['kind'] === 'Namespace';
  const kept = isJsonObject(metadata)
    ? Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, volatile.has(key) ? 'some' : value]))
    : metadata;
  return { ...rest, ...(kept !== undefined && { metadata: kept }), ...(large ? {} : { spec, status }) };
}

function plain({ server, namespace }: Stage, value: Json): Json {
  const text = JSON.stringify(value)
    .replaceAll(namespace, 'NAMESPACE')
    .replaceAll(String(server.port), 'PORT')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID')
    .replace(/:\d{5}\b/g, ':PORT')
    .replace(/"g-[a-z0-9]{5}"/g, '"g-RANDOM"');
  return JSON.parse(text);
}

/** A server that does not speak TLS as it should. */
export async function strangeServer(kind: 'http' | 'closing' | 'silent'): Promise<Server> {
  const server =
    kind === 'http'
      ? createPlain((_request, reply) => reply.end('hi'))
      : createTcp((socket) => {
          socket.on('error', () => undefined);
          if (kind === 'closing') socket.once('data', () => socket.end());
        });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
