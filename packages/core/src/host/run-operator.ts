import { Clients, createClient, httpTransport, loadKubeconfig } from '../client/index.ts';
import { holdProcess } from '../machinery/index.ts';
import { definePlugin, type Logger, type Plugin } from '../plugin/index.ts';
import type { ClusterConnection, ClusterSource, OpenCluster } from './cluster-set.ts';
import type { LeaderElectionSettings } from './leader-election-plugin.ts';
import { type ObservationOptions, observation } from './observation.ts';
import type { WebhookSettings } from './webhooks-plugin.ts';

export interface RunOperatorOptions extends ObservationOptions {
  /** Path of a kubeconfig; default as for kubectl, and the service account inside a pod. */
  readonly kubeconfig?: string;
  /** Instead of the kubeconfig's current context. */
  readonly context?: string;
  /**
   * Clusters whose objects it reconciles, by name, all at once: with one queue, in which they take turns, and one
   * leader. Their keys begin with the name (`east:default/shop`), a reconcile reads it in `context.cluster`, and what it
   * makes goes to the object's own cluster unless `apply` is told another. One that is away keeps no other waiting. As an async iterable: each value
   * is what the clusters are from then on. `kubeconfig` and `context` then tell where the Lease is.
   */
  readonly clusters?: ClusterSource;
  /**
   * Whether of several such processes only one reconciles, the one that holds a Lease; default `false`. `true`: named
   * after the operator, in the kubeconfig's namespace or the pod's own, else `default`.
   */
  readonly leaderElection?: boolean | Partial<LeaderElectionSettings>;
  /** How API servers reach the operator's webhooks, if it has any; default: on this machine. */
  readonly webhooks?: WebhookSettings;
  /** Default: text on standard error. */
  readonly logger?: Logger;
  /** Ends the operator, like SIGINT and SIGTERM. */
  readonly signal?: AbortSignal;
}

interface Connected extends OpenCluster {
  readonly namespace: string | undefined;
}

/**
 * Runs an operator against any Kubernetes cluster, until SIGINT, SIGTERM or `signal`; resolves when it has stopped.
 * @throws Error when there is no cluster to talk to, or the operator does not start
 */
export async function runOperator(operator: Plugin<undefined>, options: RunOperatorOptions = {}): Promise<void> {
  const { kubeconfig, context, clusters, leaderElection = false, webhooks, logger, signal } = options;
  const observed = await observation(options);
  const connect = async (path: string | undefined, contextName: string | undefined): Promise<Connected> => {
    const config = await loadKubeconfig(path, { ...(contextName && { context: contextName }) });
    const userAgent = config.userAgent ?? `keelson-operator/${operator.name}`;
    const transport = httpTransport({ ...config, userAgent }, observed.transport);
    return { client: createClient(transport), close: () => transport.close(), namespace: config.namespace };
  };
  // With clusters of its own it is only where the Lease is.
  const home = clusters && leaderElection === false ? undefined : await connect(kubeconfig, context);
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
      // The cluster knows one user here, whoever asks.
      if (home) provide.value(Clients, { as: () => home.client });
    },
  });
  const work = clusters
    ? (await import('./clusters-plugin.ts')).clustersPlugin({
        source: clusters,
        plugins: [operator],
        ...(webhooks && { options: { webhooks } }),
        open: async (each: ClusterConnection) =>
          'client' in each ? { client: each.client, close: () => undefined } : connect(each.kubeconfig, each.context),
      })
    : operator;
  const election = leaderElection === false ? [] : [(await import('./leader-election-plugin.ts')).leaderElectionPlugin];
  const host = createHost({
    plugins: [
      connection,
      ...(clusters ? [] : [informersPlugin, eventRecorderPlugin, webhooksPlugin]),
      ...election,
      controllerManagerPlugin,
      ...observed.plugins,
      work,
    ],
    options: {
      ...observed.options,
      ...(webhooks && !clusters && { webhooks }),
      ...(leaderElection !== false && {
        'leader-election': {
          namespace: home?.namespace ?? 'default',
          name: operator.name,
          ...(leaderElection !== true && leaderElection),
        },
      }),
    },
    ...(logger && { logger }),
  });
  const stop = new AbortController();
  const end = () => stop.abort(new Error('the operator is stopped'));
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
    home?.close();
    release();
  }
}
