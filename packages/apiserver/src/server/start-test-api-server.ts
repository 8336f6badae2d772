import { generateKeyPairSync } from 'node:crypto';
import {
  type Client,
  type Clients,
  type Clock,
  type Logger,
  type PluginGrant,
  type Random,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import type { Auditor } from '../audit/index.ts';
import { mastersGroup } from '../authorization/index.ts';
import { kubeconfigYaml, openPki, type Pki } from '../pki/index.ts';
import { DecodeCache } from '../registry/stored-object.ts';
import type { Storage } from '../storage/contract.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { Listening, ServerLimits } from './api-server.ts';
import { type ApiServerParts, type ComposeOptions, composeApiServer } from './compose.ts';
import type { AuthenticationOptions } from './compose-authentication.ts';
import type { ConfiguredAuthorizers } from './compose-authorization.ts';

/** What an API server for tests is to be like; all of it may be left out. */
export interface TestApiServerOptions {
  /** Also opens a TLS port on loopback; default: in process only. */
  readonly socket?: boolean;
  readonly port?: number;
  readonly clock?: Clock;
  /** Makes names and uids. Default: the system's. */
  readonly random?: Random;
  readonly grants?: readonly PluginGrant[];
  readonly logger?: Logger;
  readonly limits?: ServerLimits;
  readonly registry?: ComposeOptions['registry'];
  /** How it is found out who asks, beside certificates and ServiceAccount tokens. */
  readonly authentication?: AuthenticationOptions;
  /** Open already; closed with the server. Default: Node and RBAC. */
  readonly authorization?: ConfiguredAuthorizers;
  /** Open already; closed with the server. */
  readonly auditor?: Auditor;
  /** Default: one in memory. Closed with the server. */
  readonly storage?: Storage;
}

/** What of a fork may differ from the server that it is forked from. */
export type TestApiServerForkOptions = Pick<
  TestApiServerOptions,
  'socket' | 'port' | 'grants' | 'logger' | 'authorization' | 'auditor'
>;

/** An API server in memory, with its bootstrap objects, for tests. */
export interface TestApiServer extends ApiServerParts, AsyncDisposable {
  readonly clients: Clients;
  /** A client of the group system:masters. */
  readonly client: Client;
  /** With `socket`. */
  readonly listening: Listening | undefined;
  readonly pki: Pki | undefined;
  /** An administrator's kubeconfig as YAML; with `socket`. */
  readonly kubeconfig: string | undefined;
  /**
   * Another server whose store begins with all that is in this one's now, in a few milliseconds however much that is.
   * What is written to either from then on is unseen in the other; resourceVersions go on, and so may watches. Both are
   * stopped by themselves. Throws where the store is not in memory.
   */
  fork(options?: TestApiServerForkOptions): Promise<TestApiServer>;
  /**
   * Ends every watch and forgets all history: whoever asks for a resourceVersion that it has seen so far gets 410 Gone,
   * and has to list anew.
   */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

/** What a server begins with. */
interface Beginning {
  readonly storage: Storage;
  readonly cache?: DecodeCache;
  /** Whether what every cluster has is there already. */
  readonly forked: boolean;
}

/** What every cluster has: made once a process, and what each server begins with. */
let template: Promise<Required<Pick<Beginning, 'cache'>> & { readonly storage: MemoryStorage }> | undefined;

/** Starts an API server in memory; ready when it resolves. The first one of a process takes longer than all others. */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const { storage, clock = systemClock, registry } = options;
  // The objects of the template have the system's time, and are as the registry makes them without options.
  if (storage !== undefined || clock !== systemClock || registry !== undefined) {
    return start(options, { storage: storage ?? new MemoryStorage({ clock }), forked: false });
  }
  template ??= makeTemplate();
  const begun = await template;
  return start(options, { storage: begun.storage.fork({}), cache: begun.cache.fork(), forked: true });
}

async function makeTemplate() {
  const cache = new DecodeCache(() => undefined);
  // Its history is read by nobody, and needs no timer that shortens it.
  const storage = new MemoryStorage({ history: { age: 0 } });
  try {
    const server = await start({}, { storage, cache, forked: false });
    const made = storage.fork();
    await server.stop();
    return { storage: made, cache };
  } catch (error) {
    template = undefined;
    throw error;
  }
}

/** Those of the server that was forked: tokens that it gave are good in the fork. */
interface Keys {
  readonly key: ReturnType<ComposeOptions['serviceAccountKey']>;
  readonly pki: Pki | undefined;
}

async function start(
  options: TestApiServerOptions,
  { storage, cache = new DecodeCache(() => undefined), forked }: Beginning,
  keys?: Keys,
): Promise<TestApiServer> {
  const { clock = systemClock, random = systemRandom, logger = silentLogger, grants, limits } = options;
  const pki = options.socket ? (keys?.pki ?? (await openPki(undefined, { clock }))) : undefined;
  const key = keys?.key ?? pki?.serviceAccountKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const parts = composeApiServer({
    storage,
    clock,
    random,
    logger,
    serviceAccountKey: () => key,
    ...(grants && { grants }),
    auditor: options.auditor,
    authorization: options.authorization,
    ...(limits && { limits }),
    registry: { ...(options.registry?.freeze ? {} : { cache }), ...options.registry },
    ...(options.authentication && { authentication: options.authentication }),
  });
  await parts.registry.start();
  const listening = pki && (await parts.server.listen({ host: '127.0.0.1', port: options.port ?? 0, pki }));
  await parts.server.bootstrap(pki?.ca, undefined, { forked });
  const stop = async () => {
    await parts.server.stop();
    await parts.registry.close();
    await storage.close();
    options.authorization?.close();
    await options.auditor?.close();
  };
  return {
    ...parts,
    client: parts.clients.as({ name: 'kubernetes-admin', groups: [mastersGroup] }),
    listening,
    pki,
    kubeconfig: listening && pki && kubeconfigYaml({ server: listening.url, ca: pki.ca, credentials: pki.admin }),
    async fork(changed = {}) {
      if (!(storage instanceof MemoryStorage)) throw new Error('only a store in memory can be forked');
      for (const part of ['authorization', 'auditor'] as const) {
        if (options[part] && !changed[part])
          throw new Error(`a fork needs its own ${part}: it is closed with its server`);
      }
      const { port: _port, storage: _storage, grants: _grants, ...same } = options;
      return start(
        { ...same, socket: false, ...changed },
        { storage: storage.fork(), cache: cache.fork(), forked: true },
        { key, pki },
      );
    },
    async compact() {
      await parts.registry.forgetHistory();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
