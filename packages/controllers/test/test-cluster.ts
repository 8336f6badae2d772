import { inProcessTransport, MemoryStorage, ResourceRegistry } from '@keelson/apiserver';
import {
  type Client,
  type Clock,
  type Controller,
  ControllerManager,
  createEventRecorder,
  type EventRecorder,
  InformerFactory,
  type Informers,
  isStatusError,
  type Logger,
  Pod,
  type StoppableEventRecorder,
  systemClock,
  systemRandom,
  type Transport,
  timestamp,
} from '@keelson/core';
import { createClient, httpTransport, loadKubeconfig } from '@keelson/core/client';

export interface TestEnvironment {
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
}

export interface TestClusterOptions {
  readonly clock?: Clock;
  /** Who a plugin speaks as counts only against a real API server, where RBAC is on. */
  readonly controllers: (as: (plugin: { readonly user?: string }) => TestEnvironment) => readonly Controller[];
  /** What the node makes of a new pod; default: it runs and is ready. `undefined`: it is left pending. */
  readonly node?: (pod: Pod) => Pod['status'] | undefined;
}

/** An API server, controllers, and a node that starts every pod at once. */
export interface TestCluster extends AsyncDisposable {
  readonly client: Client;
  /** Reasons and messages of events, in order. */
  readonly events: readonly string[];
  readonly errors: readonly string[];
  setPodStatus(pod: Pod, status: Pod['status']): Promise<void>;
}

/** Runs in process; with `KEELSON_PEER_KUBECONFIG`, against that API server instead (it must run no controllers). */
export async function startTestCluster(options: TestClusterOptions): Promise<TestCluster> {
  const { clock = systemClock } = options;
  const events: string[] = [];
  const errors: string[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields)}`),
    error: (message, fields) => void errors.push(`${message} ${String(fields?.['error'] ?? JSON.stringify(fields))}`),
    named: () => logger,
  };
  const api = await openApi(clock, logger);
  const admin = createClient(api.as(undefined));
  const informers = new InformerFactory({ client: admin, clock, random: systemRandom, logger });
  const recorders: StoppableEventRecorder[] = [];
  const controllers = options.controllers(({ user }) => {
    const client = createClient(api.as(user));
    const recorder = createEventRecorder({ client, clock, random: systemRandom, logger, component: 'test' });
    recorders.push(recorder);
    return { client, informers, recorder: recording(recorder, events), clock };
  });
  const manager = new ControllerManager({ controllers, clock, random: systemRandom, logger });
  const setPodStatus = async (pod: Pod, status: Pod['status']) => {
    await admin.patch(Pod, pod.metadata, { merge: { status } }, { subresource: 'status' });
  };
  runNode(admin, informers, options.node ?? ((pod) => readyStatus(pod, clock)), setPodStatus, errors);
  manager.start();
  return {
    client: admin,
    events,
    errors,
    setPodStatus,
    async [Symbol.asyncDispose]() {
      const now = AbortSignal.timeout(2_000);
      await manager.stop(now);
      for (const recorder of recorders) await recorder.stop(now);
      await informers.stop();
      await api.close();
    },
  };
}

export function readyStatus(pod: Pod, clock: Clock): Pod['status'] {
  const ip = `10.1.${podNumber(pod)}`;
  return {
    phase: 'Running',
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: timestamp(clock) }],
  };
}

function podNumber(pod: Pod): string {
  const digits = parseInt((pod.metadata.uid ?? '0').slice(0, 4), 16);
  return `${digits >> 8}.${digits & 255}`;
}

function runNode(
  client: Client,
  informers: Informers,
  statusOf: (pod: Pod) => Pod['status'] | undefined,
  setPodStatus: (pod: Pod, status: Pod['status']) => Promise<void>,
  errors: string[],
): void {
  const act = async (pod: Pod) => {
    try {
      if (pod.metadata.deletionTimestamp !== undefined) {
        await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 });
      } else if ((pod.status?.phase ?? 'Pending') === 'Pending') {
        const status = statusOf(pod);
        if (status !== undefined) await setPodStatus(pod, status);
      }
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) errors.push(`node: ${error}`);
    }
  };
  const pods = informers.for(Pod);
  pods.events$.subscribe((event) => {
    if (event.type !== 'deleted') void act(event.object);
  });
}

function recording(recorder: EventRecorder, events: string[]): EventRecorder {
  return {
    event(type, object, kind, reason, message) {
      events.push(`${reason}: ${message}`);
      recorder.event(type, object, kind, reason, message);
    },
    as: (component, host) => recording(recorder.as(component, host), events),
  };
}

interface Api {
  /** Without a user: the administrator. */
  as(user: string | undefined): Transport;
  close(): Promise<void>;
}

async function openApi(clock: Clock, logger: Logger): Promise<Api> {
  const peer = process.env['KEELSON_PEER_KUBECONFIG'];
  if (peer) {
    const config = await loadKubeconfig(peer);
    const open = new Set<{ close(): void }>();
    return {
      as(user) {
        const transport = httpTransport(user === undefined ? config : { ...config, impersonate: { user } });
        open.add(transport);
        return transport;
      },
      close: async () => {
        for (const transport of open) transport.close();
      },
    };
  }
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock,
    random: systemRandom,
    logger,
    freeze: true,
  });
  return {
    as: (user = 'admin') => inProcessTransport(registry, { name: user, groups: ['system:masters'] }),
    close: () => registry.close(),
  };
}
