import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ApiServer } from '@keelson/apiserver';
import { type Client, Clients, type Clock, type Logger } from '@keelson/core';
import { type AnyPlugin, createHost, type Host, HostError } from '@keelson/core/host';
import { builtInPlugins } from './built-in-plugins.ts';
import { type ChoiceDefaults, type Chosen, chooseNetwork, chooseRuntime } from './choose.ts';
import { clusterPlugin } from './cluster-plugin.ts';
import type { ResolvedConfig } from './commands/cluster-options.ts';
import { type ClusterConfig, controllerNames } from './config/schema.ts';
import { loadExternalPlugins } from './external-plugins.ts';
import { readInstance, removeInstance, writeInstance } from './instance.ts';
import { lastAddress, machineAddress } from './machine-address.ts';
import { Progress } from './progress.ts';
import { explainStartFailure, UserError } from './user-error.ts';

/** A configuration, and what `createCluster` needs beside it. */
export interface ClusterOptions extends ResolvedConfig {
  readonly logger: Logger;
  /** Told what happens at start and stop; silent without. */
  readonly progress?: Progress;
  /** Where the administrator's kubeconfig is written; default `<dataDir>/kubeconfig`. */
  readonly kubeconfig?: string;
  /** Plugins beyond those of the configuration. */
  readonly plugins?: readonly AnyPlugin[];
  readonly clock?: Clock;
}

/** A whole cluster in this process. */
export interface Cluster {
  readonly host: Host;
  readonly runtime: Chosen;
  readonly network: Chosen;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** Where node ports are reached from this machine. */
  readonly nodeAddress: string;
  /** `https://…`; known once started. */
  readonly url: string;
  /** An administrator's client, without a socket; usable once started. */
  readonly client: Client;
  start(signal?: AbortSignal): Promise<void>;
  /** Stops everything in reverse order. Does nothing where nothing was started. */
  stop(): Promise<void>;
}

/**
 * Puts a cluster together from its configuration: chooses runtime and network, loads plugins, checks everything; starts
 * nothing yet. Throws `UserError` for what its user can mend.
 */
export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const { config, baseDir, dataDir, logger } = options;
  const podCidr = config.podCidr ?? (config.nodes > 255 ? '10.128.0.0/9' : '10.244.0.0/16');
  const progress = options.progress ?? new Progress(undefined);
  prepareDataDir(dataDir);
  const defaults: ChoiceDefaults = {
    runtime: (name) => (name === 'simulated' ? {} : { imagesDir: join(dataDir, 'images') }),
    network: (name) => (name === 'routed' ? { clusterCidr: podCidr } : {}),
  };
  const runtime = await chooseRuntime(config, defaults, logger);
  progress.done(`runtime: ${runtime.name} (${runtime.reason})`);
  const network = await chooseNetwork(config, runtime, defaults, logger);
  progress.done(`network: ${network.name} (${network.reason})`);
  const external = await loadExternalPlugins(config.plugins, baseDir);

  const podsHaveNetwork = network.name !== 'none' && runtime.name !== 'simulated';
  const internalAddress = lastAddress(podCidr);
  const nodeIp = podsHaveNetwork ? (machineAddress() ?? internalAddress) : '127.0.0.1';
  const kubeconfig = options.kubeconfig === undefined ? join(dataDir, 'kubeconfig') : resolve(options.kubeconfig);
  const switches = Object.entries(config.controllers);
  const own: Record<string, unknown> = {
    apiserver: {
      dataDir,
      store: storeOf(config, baseDir),
      ...(config.api.audit && { audit: auditOf(config.api.audit, baseDir) }),
      ...(config.encryption !== undefined && { encryption: encryptionOf(config.encryption, baseDir) }),
      compactionInterval: config.compactionInterval,
      eventTtl: config.eventTtl,
      bindAddress: config.api.address,
      port: config.api.port,
      serviceCidr: config.api.serviceCidr,
      runtimeConfig: config.api.runtimeConfig,
      disableAdmissionPlugins: config.api.disableAdmissionPlugins,
      enableAdmissionPlugins: config.api.enableAdmissionPlugins,
      ...authenticationOf(config.api, baseDir),
      ...authorizationOf(config.api, baseDir),
      loopbackEndpoints: !podsHaveNetwork,
      ...(podsHaveNetwork && { advertiseAddress: internalAddress, alsoListen: [internalAddress] }),
    },
    node: {
      nodes: config.nodes,
      dataDir: join(dataDir, 'nodes'),
      storageDir: join(dataDir, 'storage-drivers'),
      nodeIp,
      clusterCidr: podCidr,
      endPods: true,
    },
    [runtime.plugin.name]: runtime.options,
    [network.plugin.name]: network.options,
    'service-proxy': {
      serviceCidr: config.api.serviceCidr,
      nodeIp,
      mode: podsHaveNetwork ? 'auto' : 'user-space',
      table: `keelson-proxy-${config.api.serviceCidr.replaceAll(/[./]/g, '-')}`,
    },
  };
  for (const [name, value] of switches)
    if (typeof value === 'object') own[name] = { ...(own[name] as object | undefined), ...value };

  const disabled = switches.filter(([, value]) => value === false).map(([name]) => name);
  if (!config.storage.includes('host-path')) disabled.push('host-path');
  const glue = clusterPlugin({ dataDir, kubeconfig, internalAddress: podsHaveNetwork ? internalAddress : undefined });
  const host = userErrors(() =>
    createHost({
      plugins: [
        ...builtInPlugins,
        runtime.plugin,
        network.plugin,
        glue,
        ...(options.plugins ?? []),
        ...external.plugins,
      ] as readonly AnyPlugin[],
      options: { ...own, ...external.options },
      disable: disabled,
      logger,
      ...(options.clock && { clock: options.clock }),
    }),
  );

  let started = false;
  return {
    host,
    runtime,
    network,
    kubeconfig,
    nodeAddress: '127.0.0.1',
    get url() {
      return host.get(ApiServer).listening?.url ?? '';
    },
    get client() {
      return host.get(Clients).as({ name: 'kubernetes-admin', groups: ['system:masters'] });
    },
    async start(signal) {
      started = true;
      try {
        await host.start(signal);
      } catch (error) {
        throw explainStartFailure(error);
      }
      const url = host.get(ApiServer).listening?.url ?? '';
      writeInstance(dataDir, {
        url,
        kubeconfig,
        runtime: runtime.name,
        network: network.name,
        nodes: config.nodes,
        startedAt: new Date().toISOString(),
      });
      const running = controllerNames.filter((name) => !disabled.includes(name)).length;
      progress.done(`API, ${countOf(running, 'controller')}, and ${countOf(config.nodes, 'node')}: ${url}`);
    },
    async stop() {
      if (!started) return;
      started = false;
      await host.stop();
      if (readInstance(dataDir)?.pid === process.pid) removeInstance(dataDir);
    },
  };
}

function prepareDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new UserError(
      `cannot make the data directory ${dataDir} (${(error as NodeJS.ErrnoException).code}); choose another with --data-dir`,
    );
  }
  const other = readInstance(dataDir);
  if (other?.alive && other.pid !== process.pid)
    throw new UserError(
      `another Keelson (process ${other.pid}) runs on ${dataDir}; stop it with \`keelson down\`, or choose another directory with --data-dir`,
    );
}

function userErrors<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof HostError) throw new UserError(error.message);
    throw error;
  }
}

/** Paths in the configuration are relative to its file. */
function storeOf({ store }: ClusterConfig, baseDir: string): ClusterConfig['store'] {
  if (typeof store === 'string') return store;
  const files = ['caFile', 'certFile', 'keyFile', 'passwordFile'] as const;
  const absolute = files.flatMap((name) => {
    const path = store.etcd[name];
    return path === undefined ? [] : [[name, resolve(baseDir, path)]];
  });
  return { etcd: { ...store.etcd, ...Object.fromEntries(absolute) } };
}

/** Paths are relative to the configuration. */
function authenticationOf({ authentication, tokenFile }: ClusterConfig['api'], baseDir: string) {
  const { configurationFile, webhook, frontProxy } = authentication ?? {};
  const at = (path: string) => resolve(baseDir, path);
  const caFile = frontProxy?.clientCaFile;
  return {
    ...(tokenFile !== undefined && { tokenFile: at(tokenFile) }),
    ...(authentication && {
      authentication: {
        ...authentication,
        ...(configurationFile !== undefined && { configurationFile: at(configurationFile) }),
        ...(webhook && { webhook: { ...webhook, kubeconfig: at(webhook.kubeconfig) } }),
        ...(frontProxy && { frontProxy: { ...frontProxy, ...(caFile !== undefined && { clientCaFile: at(caFile) }) } }),
      },
    }),
  };
}

/** Paths are relative to the configuration. */
function authorizationOf({ authorization }: ClusterConfig['api'], baseDir: string) {
  if (!authorization) return {};
  if (typeof authorization === 'string') return { authorization: resolve(baseDir, authorization) };
  const authorizers = authorization.authorizers.map(({ webhook, ...rest }) => {
    const file = webhook?.connectionInfo.kubeConfigFile;
    if (!webhook || file === undefined) return { ...rest, ...(webhook && { webhook }) };
    const connectionInfo = { ...webhook.connectionInfo, kubeConfigFile: resolve(baseDir, file) };
    return { ...rest, webhook: { ...webhook, connectionInfo } };
  });
  return { authorization: { authorizers } };
}

function auditOf({ policy, log, webhook }: NonNullable<ClusterConfig['api']['audit']>, baseDir: string) {
  const at = (path: string) => resolve(baseDir, path);
  return {
    policy: typeof policy === 'string' ? at(policy) : policy,
    ...(log && { log: { ...log, path: log.path === '-' ? log.path : at(log.path) } }),
    ...(webhook && { webhook: { ...webhook, kubeconfig: at(webhook.kubeconfig) } }),
  };
}

function encryptionOf(encryption: NonNullable<ClusterConfig['encryption']>, baseDir: string) {
  return typeof encryption === 'string' ? resolve(baseDir, encryption) : encryption;
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
