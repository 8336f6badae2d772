import { generateKeyPairSync } from 'node:crypto';
import {
  type Client,
  type Clients,
  type Clock,
  type Logger,
  type PluginGrant,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import type { Auditor } from '../audit/index.ts';
import { mastersGroup } from '../authorization/index.ts';
import { kubeconfigYaml, openPki, type Pki } from '../pki/index.ts';
import type { Storage } from '../storage/contract.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import type { Listening, ServerLimits } from './api-server.ts';
import { type ApiServerParts, type ComposeOptions, composeApiServer } from './compose.ts';
import type { AuthenticationOptions } from './compose-authentication.ts';
import type { ConfiguredAuthorizers } from './compose-authorization.ts';

export interface TestApiServerOptions {
  /** Also opens a TLS port on loopback; default: in process only. */
  readonly socket?: boolean;
  readonly port?: number;
  readonly clock?: Clock;
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

/** An API server in memory, with its bootstrap objects, for tests. */
export interface TestApiServer extends ApiServerParts {
  readonly clients: Clients;
  /** A client of the group system:masters. */
  readonly client: Client;
  /** With `socket`. */
  readonly listening: Listening | undefined;
  readonly pki: Pki | undefined;
  /** An administrator's kubeconfig as YAML; with `socket`. */
  readonly kubeconfig: string | undefined;
  stop(): Promise<void>;
}

/** Starts an API server in memory; ready when it resolves. */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const { clock = systemClock, logger = silentLogger, grants, limits } = options;
  const pki = options.socket ? await openPki(undefined, { clock }) : undefined;
  const key = pki?.serviceAccountKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const storage = options.storage ?? new MemoryStorage();
  const parts = composeApiServer({
    storage,
    clock,
    random: systemRandom,
    logger,
    serviceAccountKey: () => key,
    ...(grants && { grants }),
    auditor: options.auditor,
    authorization: options.authorization,
    ...(limits && { limits }),
    ...(options.registry && { registry: options.registry }),
    ...(options.authentication && { authentication: options.authentication }),
  });
  await parts.registry.start();
  const listening = pki && (await parts.server.listen({ host: '127.0.0.1', port: options.port ?? 0, pki }));
  await parts.server.bootstrap(pki?.ca);
  return {
    ...parts,
    client: parts.clients.as({ name: 'kubernetes-admin', groups: [mastersGroup] }),
    listening,
    pki,
    kubeconfig: listening && pki && kubeconfigYaml({ server: listening.url, ca: pki.ca, credentials: pki.admin }),
    async stop() {
      await parts.server.stop();
      await parts.registry.close();
      await storage.close();
      options.authorization?.close();
      await options.auditor?.close();
    },
  };
}
