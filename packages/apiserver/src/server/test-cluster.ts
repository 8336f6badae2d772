import { type Client, Clients, definePlugin, type Logger, type TraceBuffer } from '@keelson/core';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  type DevelopmentWarning,
  developmentPlugin,
  eventRecorderPlugin,
  type Host,
  informersPlugin,
  Manager,
  Warnings,
  webhooksPlugin,
} from '@keelson/core/host';
import { silentLogger, type WaitForOptions, waitFor } from '@keelson/core/testing';
import { startTestApiServer, type TestApiServer, type TestApiServerOptions } from './start-test-api-server.ts';

/** What a cluster for tests is to be like; all of it may be left out. */
export interface TestClusterOptions extends Omit<TestApiServerOptions, 'grants'> {
  /** What runs on the API server: operators, controllers, anything that is a plugin. */
  readonly plugins?: readonly AnyPlugin[];
  /** By plugin name. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Notes lines of code in traces, and finds `warnings`, which takes some time of each reconcile. Default `true`. */
  readonly development?: boolean;
}

/** What of a fork may differ from the cluster that it is forked from. */
export interface TestClusterForkOptions
  extends Pick<TestClusterOptions, 'socket' | 'port' | 'options' | 'logger' | 'authorization' | 'auditor'> {
  /** What runs on the fork, from its own start, with the options that it has on the original: `same` is what runs there. Default: nothing. */
  readonly plugins?: readonly AnyPlugin[] | 'same';
}

/** An API server in memory with plugins on it. */
export interface TestCluster extends AsyncDisposable {
  readonly api: TestApiServer;
  readonly host: Host;
  /** A client of the group system:masters. */
  readonly client: Client;
  /** Why each reconcile ran, and what it did. */
  readonly traces: TraceBuffer;
  /** What works and costs too much, with the line that does it: a test may expect that there is none. */
  readonly warnings: readonly DevelopmentWarning[];
  /** An administrator's kubeconfig as YAML; with `socket`. */
  readonly kubeconfig: string | undefined;
  /**
   * Another cluster that begins with all that is stored in this one now, in a few milliseconds however much that is.
   * What is written to either from then on is unseen in the other. Both are stopped by themselves.
   */
  fork(options?: TestClusterForkOptions): Promise<TestCluster>;
  /**
   * Ends every watch and forgets all history, so that whoever goes on from a resourceVersion that it has seen gets
   * 410 Gone: what an informer makes of it can be tried.
   */
  compact(): Promise<void>;
  /** Asks again and again until the condition gives something other than `undefined` or `false`, for ten seconds. */
  waitFor: typeof waitFor;
  /** Tries again and again until `attempt` does not throw, for ten seconds: for assertions. Rejects with its last error. */
  eventually<T>(attempt: () => T | Promise<T>, options?: WaitForOptions): Promise<T>;
  stop(): Promise<void>;
}

/**
 * An API server in this process, without a socket unless asked for, and plugins on it, each under its own identity and
 * RBAC rules: an operator runs here as it runs anywhere. The first cluster of a process is there in some 60 ms, others
 * in 5. UIDs of what every cluster has, such as its namespaces, are the same in all clusters of a process.
 *
 * @example
 * await using cluster = await testCluster({ plugins: [operator] });
 * await cluster.client.create(Website, { metadata: { name: 'x', namespace: 'default' }, spec: { … } });
 * await cluster.eventually(() => cluster.client.get(Deployment, { name: 'x', namespace: 'default' }));
 */
export async function testCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { plugins = [], options: pluginOptions, ...server } = options;
  return clusterOn({ ...options, plugins }, (grants) => startTestApiServer({ ...server, grants }));
}

interface Running extends Pick<TestClusterOptions, 'options' | 'clock' | 'development'> {
  readonly plugins: readonly AnyPlugin[];
  readonly logger?: Logger;
}

async function clusterOn(
  running: Running,
  open: (grants: NonNullable<TestApiServerOptions['grants']>) => Promise<TestApiServer>,
): Promise<TestCluster> {
  const { plugins, options, clock, development = true, logger = silentLogger } = running;
  let api: TestApiServer | undefined;
  const clients: Clients = {
    as(user) {
      if (!api) throw new Error('the API server is not started yet');
      return api.clients.as(user);
    },
  };
  const host = hostOf({ ...running, development, logger }, clients);
  const started = await open(plugins.length > 0 ? host().grants : []);
  api = started;
  const stop = async () => {
    if (plugins.length > 0) await host().stop();
    await started.stop();
  };
  if (plugins.length > 0) {
    try {
      await host().start();
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return {
    api: started,
    get host() {
      return host();
    },
    client: started.client,
    get traces() {
      return host().get(Manager).traces;
    },
    get warnings() {
      return development ? host().get(Warnings).list() : [];
    },
    kubeconfig: started.kubeconfig,
    async fork({ plugins: wanted = [], options: own, logger: ownLogger = logger, ...changed } = {}) {
      const next = { plugins: wanted === 'same' ? plugins : wanted, development, logger: ownLogger };
      const settings = own ?? optionsOf(next.plugins, options);
      return clusterOn({ ...next, ...(settings && { options: settings }), ...(clock && { clock }) }, (grants) =>
        started.fork({ ...changed, grants, logger: ownLogger }),
      );
    },
    compact: () => started.compact(),
    waitFor,
    eventually,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Options of a plugin that does not run are a mistake, but not one of whoever forks a cluster that has more plugins. */
function optionsOf(
  plugins: readonly AnyPlugin[],
  options: TestClusterOptions['options'],
): TestClusterOptions['options'] {
  if (!options) return undefined;
  const names = new Set(plugins.map(({ name }) => name));
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.has(name)));
}

/** Made when it is first asked for: a cluster without plugins has no need of it. */
function hostOf(
  { plugins, options, clock, development, logger = silentLogger }: Running,
  clients: Clients,
): () => Host {
  let host: Host | undefined;
  const connection = definePlugin({ name: 'test-api', register: ({ provide }) => provide.value(Clients, clients) });
  return () => {
    host ??= createHost({
      plugins: [
        connection as AnyPlugin,
        informersPlugin as AnyPlugin,
        eventRecorderPlugin as AnyPlugin,
        webhooksPlugin as AnyPlugin,
        controllerManagerPlugin as AnyPlugin,
        ...(development ? [developmentPlugin as AnyPlugin] : []),
        ...plugins,
      ],
      logger,
      ...(options && { options }),
      ...(clock && { clock }),
    });
    return host;
  };
}

async function eventually<T>(attempt: () => T | Promise<T>, options?: WaitForOptions): Promise<T> {
  const outcome = await waitFor(async () => ({ value: await attempt() }), options).catch((error: unknown) => {
    throw error instanceof Error && error.cause !== undefined ? error.cause : error;
  });
  return outcome.value;
}
