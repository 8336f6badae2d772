import {
  type Clients,
  type Clock,
  type ClusterRole,
  createClient,
  type Logger,
  type PluginGrant,
  type PolicyRule,
  type Random,
  type Role,
  type RoleRef,
} from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { extensionTransport } from '../aggregation/index.ts';
import { AuditedHandler, type Auditor } from '../audit/index.ts';
import { authenticated, type ServiceAccountTokens, type ServiceAccountTokensOptions } from '../authentication/index.ts';
import { escalationCheck, mastersGroup, NodeAuthorizer, RbacAuthorizer } from '../authorization/index.ts';
import type { ApiHandler, Authorizer } from '../registry/contract.ts';
import { inProcessTransport, ResourceRegistry, type ResourceRegistryOptions } from '../registry/index.ts';
import type { Storage } from '../storage/contract.ts';
import { HttpApiServer, type ServerLimits } from './api-server.ts';
import { type AuthenticationOptions, composeAuthentication } from './compose-authentication.ts';
import { ConfiguredAuthorizers } from './compose-authorization.ts';
import { MeasuredStorage } from './measured-storage.ts';
import { readObject } from './read-object.ts';
import { ReviewHandler } from './review-handler.ts';

/** What an API server is put together from. */
export interface ComposeOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly serviceAccountKey: ServiceAccountTokensOptions['key'];
  readonly admission?: readonly AdmissionPlugin[];
  readonly grants?: readonly PluginGrant[];
  /** Takes requests down; open from the first one on. */
  readonly auditor?: Auditor | undefined;
  /** Whether what is stored is encrypted. */
  readonly encrypted?: boolean;
  readonly serviceCidr?: string;
  /** How long Events are kept. Default one hour. */
  readonly eventTtlSeconds?: number;
  readonly advertiseAddress?: string;
  readonly runsControllers?: boolean;
  /** The `iss` of ServiceAccount tokens; several: the first one signs, all are believed. */
  readonly issuer?: string | readonly string[];
  readonly authentication?: AuthenticationOptions;
  /** Who decides what is allowed. Default: Node and RBAC. */
  readonly authorization?: ConfiguredAuthorizers | undefined;
  readonly runtimeConfig?: ResourceRegistryOptions['runtimeConfig'];
  readonly registry?: Partial<ResourceRegistryOptions>;
  readonly limits?: ServerLimits;
}

/** The parts of an API server, put together and not yet started. */
export interface ApiServerParts {
  readonly server: HttpApiServer;
  readonly handler: ApiHandler;
  readonly registry: ResourceRegistry;
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
  readonly clients: Clients;
  readonly auditor?: Auditor | undefined;
}

/** Puts registry, authentication, authorization and HTTP together. */
export function composeApiServer(options: ComposeOptions): ApiServerParts {
  const { clock, random, logger, serviceCidr } = options;
  const storage: MeasuredStorage = new MeasuredStorage(
    options.storage,
    clock,
    (prefix) => kindOfPrefix(registry, prefix),
    ({ group, resource }) => registry.catalog.anyVersion(group, resource) !== undefined,
  );
  const nodes = new NodeAuthorizer();
  const rbac = new RbacAuthorizer();
  const { authorization = new ConfiguredAuthorizers() } = options;
  const authorizer = authorization.chain(nodes, rbac);
  const registry: ResourceRegistry = new ResourceRegistry({
    storage,
    clock,
    random,
    logger,
    authorizer,
    admission: options.admission ?? [],
    guard: escalationCheck({
      authorizer: {
        authorize: (request) => authorizer.authorize(request),
        notCovered: (...asked) => rbac.notCovered(...asked),
      },
      mastersGroup,
      rulesOf: (role, namespace) => rulesOf(role, namespace),
    }),
    ...(serviceCidr && { serviceCidr }),
    ...(options.runtimeConfig && { runtimeConfig: options.runtimeConfig }),
    ...options.registry,
  });
  const rulesOf = roleRules(registry);
  const authentication = composeAuthentication(
    {
      handler: registry,
      clock,
      issuer: options.issuer ?? 'https://kubernetes.default.svc.cluster.local',
      key: options.serviceAccountKey,
      authorities: () => server.clientAuthorities,
    },
    options.authentication,
  );
  const { tokens, authenticator } = authentication;
  const reviews = {
    authorizer,
    rbac,
    authorizers: () => authorization.types,
    tokens,
    authenticator,
    clock,
    extendTokenExpiration: options.authentication?.extendTokenExpiration,
  };
  const handler = new ReviewHandler({ ...reviews, next: registry });
  const server: HttpApiServer = new HttpApiServer({
    handler,
    allowed: new ReviewHandler({ ...reviews, next: registry.allowed }),
    connections: registry,
    storage,
    allocators: registry.allocators,
    authorizer,
    rbac,
    nodes,
    authenticator,
    tokens,
    clock,
    random,
    logger,
    ...(options.grants && { grants: options.grants }),
    auditor: options.auditor,
    ...(options.encrypted && { encrypted: true }),
    ...(serviceCidr && { serviceCidr }),
    ...(options.advertiseAddress && { advertiseAddress: options.advertiseAddress }),
    ...(options.limits && { limits: options.limits }),
    jwksUri: options.authentication?.jwksUri,
    frontProxyCa: options.authentication?.frontProxyCa,
    frontProxy: options.authentication?.frontProxy,
    ...(options.runsControllers === false && { runsControllers: false }),
  });
  server.metrics.also(() => storage.text());
  server.metrics.also(() => registry.admissionMetrics.text());
  server.metrics.also(() => authentication.metrics.text());
  server.metrics.also(() => `${options.authentication?.metricsText?.() ?? ''}${authorization.metricsText()}`);
  options.authentication?.onChange?.((what) => {
    if (what === 'tokens') authenticator.forgetTokens();
    else server.useAuthorities();
  });
  // What plugins of this process do is taken down like what others do.
  const asked = options.auditor ? new AuditedHandler(handler, options.auditor, clock) : handler;
  return {
    server,
    handler,
    registry,
    authorizer,
    tokens,
    clients: inProcessClients(asked, server, authorizer),
    auditor: options.auditor,
  };
}

function kindOfPrefix({ catalog }: ResourceRegistry, prefix: string): readonly [string, string] | undefined {
  const [found] = catalog.sharing({ prefix });
  return found && [found.names.group, found.names.resource];
}

/** Clients without sockets; authorised and admitted like everybody else. */
function inProcessClients(handler: ApiHandler, server: HttpApiServer, authorizer: Authorizer): Clients {
  return {
    as({ name, groups = [] }) {
      const user = authenticated({ name, groups });
      const own = inProcessTransport(handler, user, { raw: (method, path) => server.raw(method, path, user) });
      return createClient(extensionTransport(own, { aggregator: server.extensions, authorizer, user }));
    },
  };
}

/** Roles as they are stored now: who binds a role right after making it must not depend on the index having caught up. */
function roleRules(handler: ApiHandler) {
  return async ({ kind, name }: RoleRef, namespace: string | undefined): Promise<readonly PolicyRule[] | undefined> => {
    const clusterWide = kind === 'ClusterRole';
    const resource = clusterWide ? 'clusterroles' : 'roles';
    const target = { group: 'rbac.authorization.k8s.io', version: 'v1', resource, name };
    const place = clusterWide || namespace === undefined ? {} : { namespace };
    const role = await readObject(handler, { ...target, ...place });
    if (!role) return undefined;
    // The registry has decoded it by the schema of its kind.
    return (role as ClusterRole | Role).rules ?? [];
  };
}
