import { setMaxListeners } from 'node:events';
import { networkInterfaces } from 'node:os';
import { type Clock, type Logger, type PluginGrant, type Random, StatusError, token } from '@keelson/core';
import { Aggregator } from '../aggregation/index.ts';
import type { Auditor } from '../audit/index.ts';
import {
  type FrontProxyOptions,
  ownFrontProxy,
  type RequestAuthenticator,
  type ServiceAccountTokens,
} from '../authentication/index.ts';
import { forbidden, type NodeAuthorizer, NodeFeed, type RbacAuthorizer, RbacFeed } from '../authorization/index.ts';
import {
  ApiServiceController,
  bootstrap,
  ClusterRoleAggregator,
  FlowControlController,
  PolicyStatusController,
  type ServerAddress,
} from '../bootstrap/index.ts';
import { Discovery } from '../discovery/index.ts';
import { FlowControl, FlowDump, type FlowLimits, ObjectSizes } from '../fairness/index.ts';
import { ApiFace } from '../http/api-face.ts';
import { AdmittedConnector } from '../http/connect/admitted-connector.ts';
import { Forwarder } from '../http/connect/forward.ts';
import { KubeletConnector } from '../http/connect/kubelet-connector.ts';
import { ObjectReader } from '../http/connect/object-reader.ts';
import { Health } from '../http/health.ts';
import { ApiMetrics } from '../http/metrics.ts';
import { NonResourceRoutes } from '../http/non-resource-routes.ts';
import { OpenApi } from '../openapi/index.ts';
import type { Pki } from '../pki/index.ts';
import { apiServerUser } from '../registry/api-server-user.ts';
import type { ApiHandler, Authorizer, ConnectionAdmission, UserInfo } from '../registry/contract.ts';
import { customPrefixFor, prefixFor } from '../registry/kind.ts';
import type { Allocators } from '../registry/strategies/services/service-allocation.ts';
import type { Storage } from '../storage/contract.ts';
import { TablePrinter } from '../table/index.ts';
import { handlerReader } from './handler-reader.ts';
import { healthChecks } from './health-checks.ts';
import { type ListenerLimits, SecureListener } from './secure-listener.ts';
import { ServiceRepair } from './service-repair.ts';
import { EndpointServiceResolver } from './service-resolver.ts';

/** What an API server over HTTP is made of. */
export interface ApiServerOptions {
  readonly handler: ApiHandler;
  /** The same for requests about which the authorizers were asked: the HTTP face does, once for each. */
  readonly allowed: ApiHandler;
  /** Admission of what is passed on to kubelets, pods and services; default: there is none. */
  readonly connections?: ConnectionAdmission;
  readonly storage: Storage;
  /** Of the registry; without them nothing repairs what Services hold. */
  readonly allocators?: Allocators;
  readonly authorizer: Authorizer;
  /** The authorizers that are kept current from what is stored. */
  readonly rbac: RbacAuthorizer;
  readonly nodes: NodeAuthorizer;
  readonly tokens: ServiceAccountTokens;
  readonly authenticator: RequestAuthenticator;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What clients may take of the server at once. */
  readonly limits?: ServerLimits;
  readonly grants?: readonly PluginGrant[];
  /** Takes requests down; open from the first one on. */
  readonly auditor?: Auditor | undefined;
  /** Whether what is stored is encrypted; the health of its keys is then told. */
  readonly encrypted?: boolean;
  /** Default 10.96.0.0/16. */
  readonly serviceCidr?: string;
  /** Where others find the keys of ServiceAccount tokens; default: at the advertised address. */
  readonly jwksUri?: string | undefined;
  /** PEM of the authority of front proxies, once files are read; default: that of the cluster's own aggregator. */
  readonly frontProxyCa?: (() => string | undefined) | undefined;
  /** What extension servers are told of the front proxy; default: the cluster's own aggregator. */
  readonly frontProxy?: FrontProxyOptions | undefined;
  /**
   * Whether ClusterRoles are aggregated and the types of policies checked here; default true. Elsewhere a controller
   * manager does it.
   */
  readonly runsControllers?: boolean;
  /** The address that the Service `kubernetes` leads to; default: the one listened on, or the machine's first. */
  readonly advertiseAddress?: string;
}

export interface ServerLimits {
  readonly requests?: Partial<FlowLimits>;
  readonly connections?: Partial<ListenerLimits>;
}

/** Where an API server listens, and with which certificates. */
export interface ListenOptions {
  readonly host: string;
  /** Further addresses, with the same port. */
  readonly alsoListen?: readonly string[];
  /** 0: any free one. */
  readonly port: number;
  readonly pki: Pki;
}

/** Where an API server listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  /** `https://host:port` for a client on this machine. */
  readonly url: string;
}

const drainMs = 5_000;
const defaultServiceCidr = '10.96.0.0/16';

/** The API server: everything between the socket and the registry. In process it works without `listen`. */
export class HttpApiServer {
  readonly health = new Health();
  readonly metrics: ApiMetrics;
  readonly #options: ApiServerOptions;
  readonly #running = new AbortController();
  readonly #aggregator: ClusterRoleAggregator | undefined;
  readonly #routes: NonResourceRoutes;
  readonly #flowControl: FlowControl;
  readonly #extensions: Aggregator;
  #listener: SecureListener | undefined;
  #face: ApiFace | undefined;
  #forwarder: Forwarder | undefined;
  #listening: Listening | undefined;
  #bootstrapped = false;
  #pki: Pki | undefined;
  /** Ends when others were told of authorities that have changed. */
  #told: Promise<void> = Promise.resolve();

  constructor(options: ApiServerOptions) {
    this.#options = options;
    // Every loop of the server ends by it.
    setMaxListeners(0, this.#running.signal);
    const { handler, storage, clock, logger } = options;
    this.metrics = new ApiMetrics(clock, () => objectCounts(handler, storage));
    this.metrics.serves({ find: (...kind) => handler.catalog.find(...kind) });
    if (options.runsControllers !== false) {
      const { index } = options.rbac;
      this.#aggregator = new ClusterRoleAggregator({ handler, index, user: apiServerUser, clock, logger });
    }
    const checks = healthChecks({
      storage,
      encrypted: options.encrypted,
      bootstrapped: () => this.#bootstrapped,
      stopping: () => this.#running.signal.aborted,
    });
    for (const each of checks) this.health.add(each);
    const sizes = new ObjectSizes({ catalog: handler.catalog, storage, clock, logger });
    this.#flowControl = new FlowControl({
      clock,
      sizes: (group, version, resource) => sizes.of(group, version, resource),
      ...(options.limits?.requests && { limits: options.limits.requests }),
    });
    this.metrics.queues((mutating) => this.#flowControl.waiting(mutating));
    this.metrics.also(() => this.#flowControl.text());
    const { auditor } = options;
    if (auditor) this.metrics.also(() => auditor.metrics.text());
    this.#extensions = new Aggregator({
      services: new EndpointServiceResolver(handlerReader(handler, apiServerUser), options.random),
      certificate: () => this.#pki?.frontProxy.client,
      clock,
      logger,
    });
    this.#routes = new NonResourceRoutes({
      discovery: new Discovery(handler.catalog, this.#extensions),
      openApi: new OpenApi(handler.catalog, this.#extensions),
      health: this.health,
      metrics: this.metrics,
      tokens: options.tokens,
      jwksUri: () => this.#jwksUri(),
      flows: new FlowDump(this.#flowControl),
    });
  }

  /** Answers a path that is no resource, without a socket; rejects with what would be the answer's error. */
  async raw(method: 'GET' | 'POST', target: string, user: UserInfo): Promise<string> {
    const [path = '', search = ''] = target.split('?');
    const asked = { user, verb: method.toLowerCase(), path };
    const decision = await this.#options.authorizer.authorize(asked);
    if (!decision.allowed) throw forbidden(asked, decision.reason);
    const query = new URLSearchParams(search);
    const reply = await this.#routes.answer({ path, query, headers: {}, method, pretty: false });
    const body = 'pieces' in reply ? Buffer.concat(reply.pieces) : reply.body;
    const text = typeof body === 'string' ? body : Buffer.from(body).toString('utf8');
    const { code } = reply;
    if (code >= 400) throw StatusError.of(code, code === 404 ? 'NotFound' : 'InternalError', text.trim(), {});
    return text;
  }

  #jwksUri(): string | undefined {
    const { jwksUri, advertiseAddress } = this.#options;
    const listening = this.#listening;
    if (jwksUri !== undefined || !listening) return jwksUri;
    const host = advertiseAddress ?? advertised(listening.host);
    return `https://${host.includes(':') ? `[${host}]` : host}:${listening.port}/openid/v1/jwks`;
  }

  /** PEM of the authorities whose certificates name users, and of those of front proxies; `undefined` before `listen`. */
  get clientAuthorities(): { readonly users: string; readonly frontProxies: string } | undefined {
    const pki = this.#pki;
    if (!pki) return undefined;
    return { users: pki.ca, frontProxies: this.#options.frontProxyCa?.() ?? pki.frontProxy.ca };
  }

  /** Signs and knows ServiceAccount tokens. */
  get tokens(): ServiceAccountTokens {
    return this.#options.tokens;
  }

  /** Requests that are for extension servers. */
  get extensions(): Aggregator {
    return this.#extensions;
  }

  get listening(): Listening | undefined {
    return this.#listening;
  }

  /** Opens the port. Rejects with one line that says what to do when it cannot. */
  async listen({ host, alsoListen = [], port, pki }: ListenOptions): Promise<Listening> {
    const { handler, authorizer, authenticator, clock, random, logger, limits } = this.#options;
    this.#pki = pki;
    this.#forwarder = new Forwarder({ ca: pki.ca, certificate: pki.kubeletClient });
    const kubelets = new KubeletConnector(new ObjectReader(handler, apiServerUser), this.#forwarder, random);
    const { connections } = this.#options;
    const face = new ApiFace({
      handler: this.#options.allowed,
      authorizer,
      authenticator,
      routes: this.#routes,
      connector: connections ? new AdmittedConnector(kubelets, connections) : kubelets,
      tables: new TablePrinter(clock),
      metrics: this.metrics,
      clock,
      random,
      logger,
      flowControl: this.#flowControl,
      auditor: this.#options.auditor,
      aggregator: this.#extensions,
    });
    this.#face = face;
    this.#listener = new SecureListener({
      server: pki.server,
      clientCa: clientCaOf(this.clientAuthorities),
      clock,
      logger,
      ...(limits?.connections && { limits: limits.connections }),
      handshakeFailed: () => this.metrics.access.handshakeFailed(),
      handle: (request, response) => face.handle(request, response),
      upgrade: (request, socket, head) => face.upgrade(request, socket, head),
    });
    const actual = await this.#listener.listen(host, port);
    if (!isWildcard(host)) for (const each of new Set(alsoListen)) await this.#listener.alsoListen(each, actual);
    const local = isWildcard(host) ? '127.0.0.1' : host;
    const url = `https://${local.includes(':') ? `[${local}]` : local}:${actual}`;
    this.#listening = { host, port: actual, url };
    logger.info('the API server listens', { url });
    return this.#listening;
  }

  /** Shows certificates that were made anew, to whoever connects from now on. */
  useCertificates(pki: Pick<Pki, 'server' | 'kubeletClient'>): void {
    this.#listener?.useCertificate(pki.server);
    this.#forwarder?.useCertificate(pki.kubeletClient);
  }

  /** Lets in whoever connects from now on by the authorities that there are now, and tells extension servers of them. */
  useAuthorities(): void {
    this.#listener?.useClientAuthorities(clientCaOf(this.clientAuthorities));
    if (!this.#bootstrapped) return;
    const { handler, logger } = this.#options;
    const { signal } = this.#running;
    const facts = this.#address();
    const options = { handler, user: apiServerUser, grants: [], ...(facts && { address: facts }), signal };
    this.#told = this.#told
      .then(() => bootstrap(options))
      .catch((error: unknown) => {
        logger.error('the authorities of front proxies could not be written down', { error: String(error) });
      });
  }

  /**
   * Makes the objects that every cluster has, and begins to keep authorization current.
   * @param options with `forked`, the store begins as a copy of one that was bootstrapped: what every cluster has is there, and
   * what only few ask about is read when somebody does
   */
  async bootstrap(
    clientCa: string | undefined,
    signal?: AbortSignal,
    { forked = false }: { readonly forked?: boolean } = {},
  ): Promise<void> {
    const {
      handler,
      rbac,
      nodes,
      grants = [],
      clock,
      logger,
      serviceCidr = defaultServiceCidr,
      allocators,
    } = this.#options;
    const repair =
      allocators &&
      new ServiceRepair({
        handler,
        allocators,
        user: apiServerUser,
        clock,
        logger,
        serviceCidrs: serviceCidr.split(','),
      });
    if (!forked) await repair?.ensureDefaultCidr();
    const address = clientCa === undefined ? undefined : this.#address();
    const loop = { handler, user: apiServerUser, clock, logger };
    const configured = this.#flowControl.configure.bind(this.#flowControl);
    await new FlowControlController({ ...loop, configured }).start(this.#running.signal);
    this.#flowControl.run(this.#running.signal);
    const services = new ApiServiceController({ ...loop, aggregator: this.#extensions });
    this.metrics.also(() => services.text());
    await services.start(this.#running.signal);
    if (!forked || grants.length > 0 || address) {
      const wanted = { grants, defaults: !forked, ...(address && { address }), ...(signal && { signal }) };
      await bootstrap({ handler, user: apiServerUser, ...wanted });
    }
    const following = { clock, logger, user: apiServerUser, signal: this.#running.signal };
    const feedNodes = () => new NodeFeed(handler, nodes.graph).start(following);
    if (forked) nodes.startWhenAsked(feedNodes);
    await Promise.all([new RbacFeed(handler, rbac).start(following), ...(forked ? [] : [feedNodes()])]);
    if (!forked) await this.#aggregator?.settle();
    if (this.#options.runsControllers !== false) await new PolicyStatusController(loop).start(this.#running.signal);
    void repair?.run(this.#running.signal);
    this.#bootstrapped = true;
    // What changed meanwhile.
    if (address && address.frontProxy?.ca !== this.clientAuthorities?.frontProxies) this.useAuthorities();
  }

  /** What others are told of where this server is and whom it lets in; `undefined` while it does not listen. */
  #address(): ServerAddress | undefined {
    const { advertiseAddress, frontProxy = ownFrontProxy, serviceCidr = defaultServiceCidr } = this.#options;
    const authorities = this.clientAuthorities;
    const listening = this.#listening;
    if (!authorities || !listening) return undefined;
    return {
      host: advertiseAddress ?? advertised(listening.host),
      port: listening.port,
      serviceIp: firstAddress(serviceCidr.split(',')[0] ?? serviceCidr),
      clientCa: authorities.users,
      frontProxy: { ...frontProxy, ca: authorities.frontProxies },
    };
  }

  /** First readiness fails, then watches end and requests finish; after the signal or 5 s the rest is cut. */
  async stop(signal?: AbortSignal): Promise<void> {
    this.#running.abort();
    this.#aggregator?.stop();
    this.#extensions.stop();
    this.#listener?.stopListening();
    const deadline = new AbortController();
    const cancel = this.#options.clock.after(drainMs, () => deadline.abort());
    await this.#face?.drain(signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
    cancel();
    this.#listener?.destroy();
    this.#forwarder?.close();
  }
}

/** The API server of a host, for plugins that need more than a client of it. */
export type ApiServer = HttpApiServer;
export const ApiServer = token<HttpApiServer>('ApiServer');

const clientCaOf = (authorities: HttpApiServer['clientAuthorities']) =>
  authorities ? `${authorities.users}\n${authorities.frontProxies}` : '';

const isWildcard = (host: string) => host === '0.0.0.0' || host === '::';

/** The address listened on or, when that is all of them, the machine's first that others can reach. */
export function advertised(host: string): string {
  if (!isWildcard(host)) return host === 'localhost' ? '127.0.0.1' : host;
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find((each) => !each.internal && each.family === 'IPv4')?.address ?? '127.0.0.1';
}

/** The first address of a range: the cluster IP of the Service `kubernetes`. */
export function firstAddress(cidr: string): string {
  const base = cidr.split('/')[0] ?? '';
  if (base.includes(':')) return `${base.replace(/::$/, '')}::1`;
  const [a = '10', b = '96', c = '0', d = '0'] = base.split('.');
  return `${a}.${b}.${c}.${Number(d) + 1}`;
}

async function objectCounts(handler: ApiHandler, storage: Storage): Promise<ReadonlyMap<string, number>> {
  const stored = handler.catalog.list().filter(({ verbs }) => verbs.includes('list'));
  const unique = new Map(
    stored.map(({ group, resource, custom }) => [
      group === '' ? resource : `${resource}.${group}`,
      custom ? customPrefixFor(group, resource) : prefixFor(group, resource),
    ]),
  );
  const counts = await Promise.all(
    [...unique].map(async ([name, prefix]) => [name, await storage.count(prefix)] as const),
  );
  return new Map(counts.filter(([, count]) => count > 0));
}
