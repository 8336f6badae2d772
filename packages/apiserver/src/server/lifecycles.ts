import { join } from 'node:path';
import type { Clock, Lifecycle, Logger, Random } from '@keelson/core';
import { openPki, type Pki } from '../pki/index.ts';
import { ReloadMetrics } from '../reload/index.ts';
import type { Storage } from '../storage/contract.ts';
import { advertised, firstAddress } from './api-server.ts';
import type { ApiServerPluginOptions } from './api-server-options.ts';
import type { ApiServerParts } from './compose.ts';
import type { ConfiguredAuthorizers } from './compose-authorization.ts';
import type { ConfiguredTokens } from './configured-tokens.ts';
import type { DeferredPki, DeferredStorage } from './deferred.ts';
import { keepCredentials } from './keep-credentials.ts';
import { openStore } from './store-options.ts';

export interface LifecycleParts {
  readonly options: ApiServerPluginOptions;
  readonly embedded: DeferredStorage;
  /** What is used: the embedded store, unless another plugin provides one. */
  readonly storage: Storage;
  readonly own: DeferredPki;
  readonly pki: Pki;
  readonly tokens: ConfiguredTokens;
  readonly authorization: ConfiguredAuthorizers;
  readonly parts: ApiServerParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** How the API server starts, and in reverse stops, with its host. */
export function apiServerLifecycles(
  lifecycle: LifecycleParts,
): Readonly<Record<'storage' | 'apiserver' | 'bootstrap', Lifecycle>> {
  const { options, embedded, storage, own, pki, tokens, authorization, parts, clock, random, logger } = lifecycle;
  const { dataDir, bindAddress, port, serviceCidr } = options;
  const running = new AbortController();
  const address = options.advertiseAddress ?? advertised(bindAddress);
  return {
    storage: {
      name: 'storage',
      phase: 'storage',
      async start(signal) {
        const hosts = [...options.hosts, address, bindAddress, ...options.alsoListen];
        const reloads = typeof options.encryption === 'string' ? new ReloadMetrics('encryption') : undefined;
        if (reloads) parts.server.metrics.also(() => reloads.text());
        const context = { dataDir, clock, random, logger, ...(reloads && { encryptionObserver: reloads }) };
        await Promise.all([
          storage === embedded && embedded.openWith(() => openStore(options, context, signal)),
          pki === own &&
            own.openWith(() =>
              openPki(dataDir && join(dataDir, 'pki'), { clock, hosts, serviceIp: firstAddress(serviceCidr) }),
            ),
          tokens.open({ clock, random, logger: logger.named('authentication') }),
          authorization.open({ clock, random, logger: logger.named('authorization') }),
          parts.auditor?.open(),
        ]);
      },
      async stop() {
        tokens.close();
        authorization.close();
        await parts.auditor?.close();
        await embedded.close();
      },
    },
    apiserver: {
      name: 'apiserver',
      phase: 'apiserver',
      async start() {
        await parts.registry.start();
        await parts.server.listen({ host: bindAddress, alsoListen: options.alsoListen, port, pki });
        void keepCredentials({
          pki,
          clock,
          logger,
          signal: running.signal,
          renewed: () => parts.server.useCertificates(pki),
        });
      },
      async stop(signal) {
        running.abort();
        await parts.server.stop(signal);
        await parts.registry.close();
      },
    },
    bootstrap: {
      name: 'bootstrap',
      phase: 'bootstrap',
      start: (signal) => parts.server.bootstrap(pki.ca, signal),
    },
  };
}
