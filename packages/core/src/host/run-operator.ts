import { Clients, createClient, httpTransport, loadKubeconfig } from '../client/index.ts';
import { holdProcess } from '../machinery/index.ts';
import { definePlugin, type Logger, type Plugin } from '../plugin/index.ts';
import type { LeaderElectionSettings } from './leader-election-plugin.ts';
import { type ObservationOptions, observation } from './observation.ts';
import type { WebhookSettings } from './webhooks-plugin.ts';

export interface RunOperatorOptions extends ObservationOptions {
  /** Path of a kubeconfig; default as for kubectl, and the service account inside a pod. */
  readonly kubeconfig?: string;
  /** Instead of the kubeconfig's current context. */
  readonly context?: string;
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

/**
 * Runs an operator against any Kubernetes cluster, until SIGINT, SIGTERM or `signal`; resolves when it has stopped.
 * @throws Error when there is no cluster to talk to, or the operator does not start
 */
export async function runOperator(operator: Plugin<undefined>, options: RunOperatorOptions = {}): Promise<void> {
  const { kubeconfig, context, leaderElection = false, webhooks, logger, signal } = options;
  const config = await loadKubeconfig(kubeconfig, { ...(context && { context }) });
  const observed = await observation(options);
  const userAgent = config.userAgent ?? `keelson-operator/${operator.name}`;
  const transport = httpTransport({ ...config, userAgent }, observed.transport);
  const client = createClient(transport);
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
    // The cluster knows one user here, whoever asks.
    register: ({ provide }) => provide.value(Clients, { as: () => client }),
  });
  const election = leaderElection === false ? [] : [(await import('./leader-election-plugin.ts')).leaderElectionPlugin];
  const host = createHost({
    plugins: [
      connection,
      informersPlugin,
      eventRecorderPlugin,
      webhooksPlugin,
      ...election,
      controllerManagerPlugin,
      ...observed.plugins,
      operator,
    ],
    options: {
      ...observed.options,
      ...(webhooks && { webhooks }),
      ...(leaderElection !== false && {
        'leader-election': {
          namespace: config.namespace ?? 'default',
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
    transport.close();
    release();
  }
}
