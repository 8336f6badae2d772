import { type Client, Clients, definePlugin, type TraceBuffer } from '@keelson/core';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  createHost,
  eventRecorderPlugin,
  type Host,
  informersPlugin,
  Manager,
  webhooksPlugin,
} from '@keelson/core/host';
import { silentLogger } from '@keelson/core/testing';
import { startTestApiServer, type TestApiServer, type TestApiServerOptions } from './start-test-api-server.ts';

export interface TestClusterOptions extends Omit<TestApiServerOptions, 'grants'> {
  /** What runs on the API server: operators, controllers, anything that is a plugin. */
  readonly plugins?: readonly AnyPlugin[];
  /** By plugin name. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** An API server in memory with plugins on it. */
export interface TestCluster {
  readonly api: TestApiServer;
  readonly host: Host;
  /** A client of the group system:masters. */
  readonly client: Client;
  /** Why each reconcile ran, and what it did. */
  readonly traces: TraceBuffer;
  stop(): Promise<void>;
}

/**
 * Starts an API server in memory, without a socket unless asked for, and plugins on it, each under its own identity and
 * RBAC rules: an operator runs here as it runs anywhere.
 *
 * @example
 * const cluster = await startTestCluster({ plugins: [operator] });
 * await cluster.client.create(Website, { metadata: { name: 'x', namespace: 'default' }, spec: { … } });
 * await cluster.stop();
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { plugins = [], options: pluginOptions, ...server } = options;
  let api: TestApiServer | undefined;
  const clients: Clients = {
    as(user) {
      if (!api) throw new Error('the API server is not started yet');
      return api.clients.as(user);
    },
  };
  const connection = definePlugin({ name: 'test-api', register: ({ provide }) => provide.value(Clients, clients) });
  const host = createHost({
    plugins: [
      connection as AnyPlugin,
      informersPlugin as AnyPlugin,
      eventRecorderPlugin as AnyPlugin,
      webhooksPlugin as AnyPlugin,
      controllerManagerPlugin as AnyPlugin,
      ...plugins,
    ],
    logger: options.logger ?? silentLogger,
    ...(pluginOptions && { options: pluginOptions }),
    ...(options.clock && { clock: options.clock }),
  });
  const started = await startTestApiServer({ ...server, grants: host.grants });
  api = started;
  const stop = async () => {
    await host.stop();
    await started.stop();
  };
  try {
    await host.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { api: started, host, client: started.client, traces: host.get(Manager).traces, stop };
}
