import {
  all,
  Clients,
  Clock,
  definePlugin,
  type Lifecycle,
  Lifecycles,
  Logger,
  optional,
  PluginGrants,
  Random,
  token,
} from '@keelson/core';
import { AdmissionPlugins } from '@keelson/core/admission';
import { disabledAdmission } from './admission/index.ts';
import { Auditor } from './audit/index.ts';
import { Pki } from './pki/index.ts';
import { ApiServer } from './server/api-server.ts';
import { ApiServerPluginOptions } from './server/api-server-options.ts';
import { type ApiServerParts, composeApiServer } from './server/compose.ts';
import { ConfiguredAuthorizers } from './server/compose-authorization.ts';
import { ConfiguredTokens } from './server/configured-tokens.ts';
import { DeferredPki, DeferredStorage } from './server/deferred.ts';
import { apiServerLifecycles } from './server/lifecycles.ts';
import { ApiHandler, Storage } from './server/tokens.ts';

const EmbeddedStorage = token<DeferredStorage>('EmbeddedStorage');
const OwnPki = token<DeferredPki>('OwnPki');
const Tokens = token<ConfiguredTokens>('ConfiguredTokens');
const Authorization = token<ConfiguredAuthorizers>('ConfiguredAuthorizers');
const Parts = token<ApiServerParts>('ApiServerParts');

/** The embedded API server with its store; clients in the same process use no socket. */
export const apiServerPlugin = definePlugin<ApiServerPluginOptions>({
  name: 'apiserver',
  user: 'system:apiserver',
  options: ApiServerPluginOptions,
  register({ provide, options }) {
    provide(EmbeddedStorage, DeferredStorage, []);
    provide(OwnPki, DeferredPki, []);
    provide.factory(Storage, (storage: DeferredStorage) => storage, [EmbeddedStorage]);
    provide.factory(Pki, (pki: DeferredPki) => pki, [OwnPki]);
    provide.factory(Tokens, () => new ConfiguredTokens(options), []);
    provide.factory(Authorization, () => new ConfiguredAuthorizers(sourceOf(options)), []);
    provide.factory(
      Parts,
      (storage, pki, tokens, authorization, clock, random, logger, admission, grants) =>
        composeApiServer({
          storage,
          clock,
          random,
          logger,
          admission,
          serviceAccountKey: () => pki.serviceAccountKey,
          issuer: options.authentication.serviceAccountIssuers,
          authentication: tokens.authentication,
          authorization,
          auditor:
            options.audit && new Auditor({ options: options.audit, clock, random, logger: logger.named('audit') }),
          encrypted: options.encryption !== undefined,
          serviceCidr: options.serviceCidr,
          eventTtlSeconds: options.eventTtl / 1000,
          runtimeConfig: options.runtimeConfig,
          registry: {
            loopbackEndpoints: options.loopbackEndpoints,
            podSecurity: options.podSecurity,
            disabledAdmission: disabledAdmission(options),
          },
          limits: { requests: { seats: options.maxRequestsInflight + options.maxMutatingRequestsInflight } },
          ...(grants && { grants }),
          ...(options.advertiseAddress && { advertiseAddress: options.advertiseAddress }),
        }),
      [Storage, Pki, Tokens, Authorization, Clock, Random, Logger, all(AdmissionPlugins), optional(PluginGrants)],
    );
    provide.factory(ApiHandler, (parts: ApiServerParts) => parts.handler, [Parts]);
    provide.factory(ApiServer, (parts: ApiServerParts) => parts.server, [Parts]);
    provide.factory(Clients, (parts: ApiServerParts) => parts.clients, [Parts]);
    for (const phase of ['storage', 'apiserver', 'bootstrap'] as const) {
      provide.factory(
        Lifecycles,
        (embedded, storage, own, pki, tokens, authorization, parts, clock, random, logger): Lifecycle =>
          apiServerLifecycles({
            options,
            embedded,
            storage,
            own,
            pki,
            tokens,
            authorization,
            parts,
            clock,
            random,
            logger,
          })[phase],
        [EmbeddedStorage, Storage, OwnPki, Pki, Tokens, Authorization, Parts, Clock, Random, Logger],
      );
    }
  },
});

function sourceOf({ authorization }: ApiServerPluginOptions): ConstructorParameters<typeof ConfiguredAuthorizers>[0] {
  return typeof authorization === 'string' ? authorization : authorization?.authorizers;
}
