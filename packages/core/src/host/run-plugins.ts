import { Clients, loadKubeconfig } from '../client/index.ts';
import { holdProcess } from '../machinery/index.ts';
import { definePlugin, type Logger } from '../plugin/index.ts';
import type { ClusterConnection, ClusterSource } from './cluster-set.ts';
import type { Host } from './create-host.ts';
import { KubeconfigClients } from './kubeconfig-clients.ts';
import type { LeaderElectionSettings } from './leader-election-plugin.ts';
import { type Observation, type ObservationOptions, observation } from './observation.ts';
import type { AnyPlugin } from './select-plugins.ts';
import type { ShardingSettings } from './sharding-plugin.ts';
import type { WebhookSettings } from './webhooks-plugin.ts';

/** What plugins run against, and what they tell. */
export interface RunPluginsOptions extends ObservationOptions {
  /** Of the Lease, unless `leaderElection` names another one. */
  readonly name: string;
  /** By plugin name; parsed by the plugin's schema. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** What the program calls itself before the API server, by whom it speaks as. Default `keelson-operator/<name>`. */
  readonly program?: (user: string) => string;
  /**
   * Whether plugins that ask to be a ServiceAccount (`user` of `definePlugin`) are that one, by a token of its own that is
   * renewed; the kubeconfig's user needs the right to create ServiceAccounts and their tokens. Default `false`: everybody
   * is the kubeconfig's user.
   */
  readonly serviceAccounts?: boolean;
  /** Path of a kubeconfig; default as for kubectl, and the service account inside a pod. */
  readonly kubeconfig?: string;
  /** Instead of the kubeconfig's current context. */
  readonly context?: string;
  /**
   * Clusters whose objects are reconciled, by name, all at once: with one queue, in which they take turns, and one
   * leader. Their keys begin with the name (`east:default/shop`), a reconcile reads it in `context.cluster`, and what it
   * makes goes to the object's own cluster unless `apply` is told another. One that is away keeps no other waiting. As an async iterable: each value
   * is what the clusters are from then on. `kubeconfig` and `context` then tell where the Lease is.
   */
  readonly clusters?: ClusterSource;
  /**
   * Whether of several such processes only one acts, the one that holds a Lease; default `false`. `true`: it has this
   * `name`, and is in the kubeconfig's namespace or the pod's own, else `default`.
   */
  readonly leaderElection?: boolean | Partial<LeaderElectionSettings>;
  /**
   * Whether several such processes divide the keys among each other: each works on some, and takes over those of one that
   * goes or dies; default `false`. Instead of `leaderElection`; with the same defaults. Every process caches everything.
   */
  readonly sharding?: boolean | Partial<ShardingSettings>;
  /** How API servers reach webhooks, if there are any; default: on this machine. */
  readonly webhooks?: WebhookSettings;
  /** Reconciles under way at a stop have so long before they are aborted; in milliseconds, default 5,000. */
  readonly drainMs?: number;
  /** Default: text on standard error. */
  readonly logger?: Logger;
  /** Ends it, like SIGINT and SIGTERM. */
  readonly signal?: AbortSignal;
}

/**
 * Runs plugins against any Kubernetes cluster, until SIGINT, SIGTERM or `signal`; resolves when they have stopped.
 * @throws Error when there is no cluster to talk to, and HostError when a plugin lacks something or does not start
 */
export async function runPlugins(plugins: readonly AnyPlugin[], options: RunPluginsOptions): Promise<void> {
  const { name, kubeconfig, context, clusters, leaderElection = false, sharding = false, signal } = options;
  if (leaderElection !== false && sharding !== false) {
    throw new TypeError('either one of the processes works (leaderElection), or all share the work (sharding)');
  }
  const { serviceAccounts, program = () => `keelson-operator/${name}` } = options;
  const observed = await observation(options);
  const connect = async (path: string | undefined, contextName: string | undefined) =>
    new KubeconfigClients(await loadKubeconfig(path, { ...(contextName && { context: contextName }) }), {
      program,
      ...(serviceAccounts !== undefined && { serviceAccounts }),
      transport: observed.transport,
    });
  // With clusters of its own home is only where the Leases are.
  const home =
    clusters && leaderElection === false && sharding === false ? undefined : await connect(kubeconfig, context);
  try {
    await runUntilStopped(await hostFor(plugins, options, { observed, home, connect }), signal);
  } finally {
    home?.close();
  }
}

/** Until SIGINT, SIGTERM or `signal`. */
async function runUntilStopped(host: Host, signal: AbortSignal | undefined): Promise<void> {
  const stop = new AbortController();
  const end = () => stop.abort(new Error('it is stopped'));
  const ended = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const each of signals) process.once(each, end);
  // While the cluster is away there is no connection that would keep the process.
  const release = holdProcess();
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  try {
    await host.start(stop.signal);
    await ended;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const each of signals) process.off(each, end);
    signal?.removeEventListener('abort', end);
    await host.stop();
    release();
  }
}

interface Connections {
  readonly observed: Observation;
  readonly home: KubeconfigClients | undefined;
  connect(kubeconfig: string | undefined, context: string | undefined): Promise<KubeconfigClients>;
}

async function hostFor(
  plugins: readonly AnyPlugin[],
  { name, options, clusters, leaderElection = false, sharding = false, webhooks, drainMs, logger }: RunPluginsOptions,
  { observed, home, connect }: Connections,
): Promise<Host> {
  // The container is loaded only where something is run.
  const [
    { createHost },
    { informersPlugin },
    { eventRecorderPlugin },
    { controllerManagerPlugin },
    { webhooksPlugin },
  ] = await Promise.all([
    import('./create-host.ts'),
    import('./informers-plugin.ts'),
    import('./event-recorder-plugin.ts'),
    import('./controller-manager-plugin.ts'),
    import('./webhooks-plugin.ts'),
  ]);
  const connection = definePlugin({
    name: 'kubeconfig',
    register({ provide }) {
      if (home) provide.value(Clients, observed.clients(home));
    },
  });
  const work = clusters
    ? [
        (await import('./clusters-plugin.ts')).clustersPlugin({
          source: clusters,
          plugins,
          options: { ...options, ...(webhooks && { webhooks }) },
          open: async (each: ClusterConnection) => {
            if ('client' in each) return { client: each.client, close: () => undefined };
            const clients = await connect(each.kubeconfig, each.context);
            return { client: clients.as({ name: '' }), close: () => clients.close() };
          },
        }),
      ]
    : plugins;
  const election = leaderElection === false ? [] : [(await import('./leader-election-plugin.ts')).leaderElectionPlugin];
  const sharing = sharding === false ? [] : [(await import('./sharding-plugin.ts')).shardingPlugin];
  const leases = { namespace: home?.namespace ?? 'default', name };
  return createHost({
    plugins: [
      connection,
      ...(clusters ? [] : [informersPlugin, eventRecorderPlugin, webhooksPlugin]),
      ...election,
      ...sharing,
      controllerManagerPlugin,
      ...observed.plugins,
      ...work,
    ] as readonly AnyPlugin[],
    options: {
      ...(!clusters && options),
      ...observed.options,
      ...(webhooks && !clusters && { webhooks }),
      ...(drainMs !== undefined && { 'controller-manager': { drainMs } }),
      ...(leaderElection !== false && {
        'leader-election': { ...leases, ...(leaderElection !== true && leaderElection) },
      }),
      ...(sharding !== false && { sharding: { ...leases, ...(sharding !== true && sharding) } }),
    },
    ...(logger && { logger }),
  });
}
