import { inProcessTransport, MemoryStorage, ResourceRegistry } from '@keelson/apiserver';
import {
  type ApiRequest,
  type Client,
  type Clock,
  type Controller,
  ControllerManager,
  createClient,
  createEventRecorder,
  Event,
  InformerFactory,
  isStatusError,
  type Logger,
  Namespace,
  type NewObject,
  Node,
  type Pod,
  StatusError,
  systemClock,
  systemRandom,
  type Transport,
} from '@keelson/core';
import { z } from 'zod';

export const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => console.warn(message, fields),
  error: (message, fields) => console.error(message, fields),
  named: () => quiet,
};

/** A real API server in this process, and what controllers are made from. */
export async function openCluster({ clock = systemClock }: { readonly clock?: Clock } = {}) {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({ storage, clock, random: systemRandom, logger: quiet });
  const base = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  const transport: Transport = {
    ...base,
    request: async (request) => {
      try {
        return await base.request(request);
      } catch (error) {
        const unserved = isStatusError(error) && error.message === 'the server could not find the requested resource';
        if (request.subresource === 'binding' && unserved) return bind(storage, request);
        throw error;
      }
    },
    raw: async (_method, path) => JSON.stringify(discovery(registry, path)),
  };
  const client = createClient(transport);
  const informers = new InformerFactory({ client, clock, random: systemRandom, logger: quiet });
  const recorder = createEventRecorder({ client, clock, random: systemRandom, logger: quiet, component: 'test' });
  const closing: (() => Promise<void> | void)[] = [];
  for (const name of ['default', 'kube-system', 'kube-node-lease'])
    await client.create(Namespace, { metadata: { name }, spec: {} });
  return {
    registry,
    client,
    informers,
    recorder,
    clock,
    services: { client, informers, recorder, clock, random: systemRandom, logger: quiet },
    onClose: (close: () => Promise<void> | void) => closing.push(close),
    run(...controllers: readonly Controller[]) {
      const manager = new ControllerManager({ controllers, clock, random: systemRandom, logger: quiet });
      manager.start();
      closing.push(() => manager.stop(AbortSignal.timeout(5_000)));
    },
    events: async (reason: string) =>
      (await client.list(Event)).items.filter((each) => each.reason === reason).map((each) => each.message),
    async close() {
      for (const each of closing.reverse()) await each();
      await recorder.stop(AbortSignal.timeout(5_000));
      await informers.stop();
      await registry.close();
    },
  };
}
const bindingBody = z.object({ target: z.object({ name: z.string() }) });
const storedPod = z.looseObject({ spec: z.looseObject({}), status: z.looseObject({}).optional() });

/** What the `binding` subresource does, where the registry does not serve it: straight in the store. */
async function bind(storage: MemoryStorage, { name, namespace, body }: ApiRequest): Promise<unknown> {
  const { target } = bindingBody.parse(body);
  const key = `/registry/pods/${namespace}/${name}`;
  const { entry } = await storage.get(key);
  if (!entry) throw StatusError.notFound({ group: '', resource: 'pods' }, name ?? '');
  const pod = storedPod.parse(JSON.parse(Buffer.from(entry.value).toString()));
  pod.spec['nodeName'] = target.name;
  pod.status = { ...pod.status, conditions: [{ type: 'PodScheduled', status: 'True' }] };
  await storage.update(key, Buffer.from(JSON.stringify(pod)), entry.modRevision);
  return { kind: 'Status', status: 'Success' };
}

export type Cluster = Awaited<ReturnType<typeof openCluster>>;

function discovery(registry: ResourceRegistry, path: string) {
  const groups =
    path === '/api'
      ? ['']
      : registry.catalog
          .groups()
          .map((each) => each.group)
          .filter((each) => each !== '');
  return {
    kind: 'APIGroupDiscoveryList',
    items: groups.map((group) => ({
      metadata: { name: group },
      versions: (registry.catalog.groups().find((each) => each.group === group)?.versions ?? []).map((version) => ({
        version,
        resources: registry.catalog
          .list()
          .filter((each) => each.group === group && each.version === version)
          .map((each) => ({
            resource: each.resource,
            scope: each.namespaced ? 'Namespaced' : 'Cluster',
            verbs: each.verbs,
            responseKind: { kind: each.kind },
          })),
      })),
    })),
  };
}

export async function createNode(client: Client, name: string, more: Partial<NewObject<Node>> = {}): Promise<Node> {
  const capacity = { cpu: '32', memory: '256Gi', pods: '110' };
  const created = await client.create(Node, {
    spec: {},
    status: {},
    ...more,
    metadata: {
      name,
      ...more.metadata,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', ...more.metadata?.labels },
    },
  });
  await client.updateStatus(Node, {
    ...created,
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'ok' }],
      ...more.status,
    },
  });
  // The taint of new nodes is the node life cycle's to remove, which does not run in every test.
  return client.patch(Node, { name }, { merge: { spec: { taints: more.spec?.taints ?? null } } });
}

export function newPod(
  name: string,
  spec: Partial<NonNullable<Pod['spec']>> = {},
  labels?: Record<string, string>,
): NewObject<Pod> {
  return {
    metadata: { name, namespace: 'default', ...(labels && { labels }) },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  };
}
