import { setMaxListeners } from 'node:events';
import {
  type ApiRequest,
  type Clock,
  deepFreeze,
  type Logger,
  type Random,
  ResourceQuota,
  StatusError,
} from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import {
  AdmissionMetrics,
  builtinAdmission,
  type FollowKind,
  matchConditionsCompiler,
  type PodSecurityOptions,
  PolicySources,
  Quotas,
  WebhookSources,
} from '../admission/index.ts';
import type { LocalWebhooks } from '../admission/webhook/index.ts';
import { notAllowedTo } from '../authorization/forbidden.ts';
import { questionAbout } from '../authorization/selection.ts';
import { CrdController, crdStrategy } from '../crd/index.ts';
import { EndpointServiceResolver } from '../server/service-resolver.ts';
import type { Fence, Storage } from '../storage/contract.ts';
import { admit, type Call, validateAdmission } from './admission-chain.ts';
import { apiServerUser } from './api-server-user.ts';
import { builtinKinds } from './builtin-kinds.ts';
import { KindCatalog } from './catalog.ts';
import { getComponentStatus, isComponentStatus, listComponentStatuses } from './component-statuses.ts';
import { asObject, asOptions, changedQuery, connectionKind, connectionOptions } from './connection-options.ts';
import type { RegistryContext } from './context.ts';
import type {
  ApiAnswer,
  ApiHandler,
  Authorizer,
  ConnectionAdmission,
  ConnectionRequest,
  EncodedObject,
  ListAnswer,
  ServedResource,
  UserInfo,
} from './contract.ts';
import { createObject } from './create-object.ts';
import { inPlaceOf } from './decode-own-body.ts';
import { codeOfDeletion, type DeleteOutcome, deleteCollection, deleteObject } from './delete-object.ts';
import { withWarnings } from './error-warnings.ts';
import { EventHub } from './event-hub.ts';
import { followStored } from './follow-stored.ts';
import { prefixFor } from './kind.ts';
import { mergeConfiguration } from './merge-configuration.ts';
import { ObjectForms } from './object-forms.ts';
import { objectReader } from './object-reader.ts';
import { patchObject } from './patch-object.ts';
import { PolicyParams } from './policy-params.ts';
import { getObject, listObjects } from './read-objects.ts';
import { checkRequestOptions } from './request-options.ts';
import { type ReviewAnswer, type ReviewCheck, reviewObject } from './review-object.ts';
import { type RuntimeConfig, servedVersions } from './runtime-config.ts';
import { asStatusError } from './storage-failure.ts';
import { DecodeCache } from './stored-object.ts';
import { builtinStrategies } from './strategies/index.ts';
import { AddressBook } from './strategies/services/address-book.ts';
import { NodePortLedger } from './strategies/services/node-port-ledger.ts';
import type { Allocators } from './strategies/services/service-allocation.ts';
import { legacyBinding, subresourceHandler } from './subresources/index.ts';
import { replaceObject } from './update-object.ts';
import { watchObjects } from './watch-objects.ts';
import type { WriteGuard } from './write-guard.ts';

/** What a registry is made of. */
export interface ResourceRegistryOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Decides about every request; default: everything is allowed (tests). */
  readonly authorizer?: Authorizer;
  /** Runs after the built-in gates. */
  readonly admission?: readonly AdmissionPlugin[];
  readonly guard?: WriteGuard;
  /** Addresses of Services, one range a family with a comma between. Default `10.96.0.0/16`. */
  readonly serviceCidr?: string;
  /**
   * Whether endpoints may lie on loopback. Kubernetes refuses that; where pods have no network of their own they share
   * the address of their node, which then is 127.0.0.1. Default false.
   */
  readonly loopbackEndpoints?: boolean;
  /** How long Events are kept; 0: for ever. Default one hour. */
  readonly eventTtlSeconds?: number;
  /** First and last node port. Default 30000 to 32767. */
  readonly nodePortRange?: readonly [number, number];
  /** Versions that are served besides the stable ones, such as `storage.k8s.io/v1beta1`. */
  readonly enabledVersions?: readonly string[];
  /** Versions and resources that are switched on or off, as `--runtime-config` of kube-apiserver does. */
  readonly runtimeConfig?: RuntimeConfig;
  /**
   * Built-in gates to leave out. Default: none; a bare registry without an authorizer (tests) leaves out those that
   * need what a cluster is bootstrapped with, NamespaceLifecycle and ServiceAccount.
   */
  readonly disabledAdmission?: readonly string[];
  /** Webhooks of this process that are asked without sockets. */
  readonly localWebhooks?: LocalWebhooks;
  /** What pods are held to where their namespace does not say, and who is not held to anything. */
  readonly podSecurity?: PodSecurityOptions;
  /** Freezes what is handed out, so that a test notices who writes into shared objects. */
  readonly freeze?: boolean;
  /** What is decoded of stored values, where several registries have stores that share them. Default: its own. */
  readonly cache?: DecodeCache;
}

const runtimeConfigOf = ({ runtimeConfig, enabledVersions = [] }: ResourceRegistryOptions): RuntimeConfig => ({
  ...Object.fromEntries(enabledVersions.map((each) => [each, true])),
  ...runtimeConfig,
});

const allowAll: Authorizer = { authorize: () => ({ allowed: true, reason: '' }) };

const eventsPrefix = prefixFor('', 'events');

/** No object's: nothing that is watched lies there. */
const forgottenKey = '/forgotten-history';

const needBootstrap = ['NamespaceLifecycle', 'ServiceAccount'];

/** Reads and writes without a question whether they may be. */
export type AllowedRequests = ApiHandler & Pick<ResourceRegistry, 'review'>;

/** The one place where API objects are read and written. */
export class ResourceRegistry implements ApiHandler, ConnectionAdmission {
  readonly catalog: KindCatalog;
  /** Where Services have their addresses and ports from. */
  readonly allocators: Allocators;
  /** What admission has taken and refused. */
  readonly admissionMetrics = new AdmissionMetrics();
  /** The same for who has asked the authorizers about a request already: they are asked once. */
  readonly allowed: AllowedRequests;
  readonly #context: RegistryContext;
  readonly #crds: CrdController;
  readonly #webhooks: WebhookSources;
  readonly #policies = new PolicySources();
  readonly #closed = new AbortController();
  #started: Promise<void> | undefined;

  constructor(options: ResourceRegistryOptions) {
    // All that is followed ends by it.
    setMaxListeners(0, this.#closed.signal);
    const { cache = new DecodeCache((object) => (options.freeze ? deepFreeze(object) : object)) } = options;
    const { storage, clock, random, logger } = options;
    const reader = objectReader(storage, cache);
    this.allocators = {
      addresses: new AddressBook({
        reader,
        random,
        configured: (options.serviceCidr ?? '10.96.0.0/16').split(','),
        send: (request) => this.handle(request, apiServerUser),
      }),
      ports: new NodePortLedger({ storage, random, range: options.nodePortRange ?? [30000, 32767] }),
    };
    const quotas = new Quotas({
      storage,
      reader,
      clock,
      logger,
      count: async (group, resource, namespace) => {
        const served = this.catalog.list().find((each) => each.group === group && each.resource === resource);
        const kind = served && this.catalog.kind(group, served.version, resource);
        return kind ? storage.count(`${kind.prefix}${namespace}/`) : 0;
      },
      write: (quota, fences) => this.#writeQuota(quota, fences),
    });
    const strategies = builtinStrategies({
      quotas,
      allocators: this.allocators,
      reader,
      loopbackEndpoints: options.loopbackEndpoints ?? false,
    });
    this.catalog = new KindCatalog(
      builtinKinds([...strategies, crdStrategy], servedVersions(runtimeConfigOf(options))),
    );
    const authorizer = options.authorizer ?? allowAll;
    const disabled = options.disabledAdmission ?? (options.authorizer ? [] : needBootstrap);
    const { eventTtlSeconds: ttlSeconds = 3600 } = options;
    const eventOptions = ttlSeconds > 0 ? { ttlSeconds } : undefined;
    const callees = { services: new EndpointServiceResolver(reader, random), local: options.localWebhooks };
    this.#webhooks = new WebhookSources({
      clock,
      ...callees,
      compileConditions: matchConditionsCompiler(authorizer),
    });
    const params = new PolicyParams(() => this.#context, this.#closed.signal);
    this.#context = {
      storage,
      cache,
      clock,
      random,
      logger,
      catalog: this.catalog,
      hub: new EventHub({ storage, cache, clock, logger }),
      authorizer,
      writeOptions: (kind) => (kind.prefix === eventsPrefix ? eventOptions : undefined),
      guard: options.guard,
      metrics: this.admissionMetrics,
      forms: new ObjectForms(this.catalog, clock),
      admission: builtinAdmission(
        {
          reader,
          random,
          clock,
          authorizer,
          metrics: this.admissionMetrics,
          webhooks: this.#webhooks,
          policies: this.#policies,
          findParams: params.find,
          mergeConfiguration: mergeConfiguration(this.catalog),
          quotas,
          ...(options.podSecurity && { podSecurity: options.podSecurity }),
        },
        options.admission ?? [],
        disabled,
      ),
    };
    this.#crds = new CrdController(this.#context, callees);
    this.allowed = {
      catalog: this.catalog,
      handle: (request, user) =>
        this.#handle(request, user, (call) =>
          request.subresource ? this.#subresource(call, request.subresource) : this.#resource(call),
        ),
      review: (...asked) => this.#review(...asked),
    };
  }

  /** Reads what must be known before the first request. Called by the first request, if by nobody else. */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    this.#context.hub.start();
    await this.#crds.start();
    const follow: FollowKind = (kind, observer) =>
      followStored(
        this.#context,
        prefixFor(kind.group, kind.plural),
        (name, stored) => observer(name, stored?.object),
        this.#closed.signal,
      );
    await this.#webhooks.start(follow);
    const mutating = this.catalog.list().some(({ resource }) => resource === 'mutatingadmissionpolicies');
    await this.#policies.start(follow, mutating);
  }

  /**
   * Ends every watch and drops all history: whatever anybody has seen so far is too old to go on from. For tests of those
   * who watch, and of no use elsewhere.
   */
  async forgetHistory(): Promise<void> {
    const { storage, hub } = this.#context;
    // Who has seen the last change of all is to start anew as well.
    const { modRevision } = await storage.create(forgottenKey, Buffer.alloc(0));
    const { revision } = await storage.delete(forgottenKey, modRevision);
    await storage.compact(revision);
    hub.forget();
  }

  /** Ends every watch. The storage stays open: it belongs to whoever opened it. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#webhooks.close();
    await this.#crds.stop();
    await this.#context.hub.stop();
  }

  async handle(request: ApiRequest, user: UserInfo): Promise<ApiAnswer> {
    await this.#authorize(request, user);
    return this.allowed.handle(request, user);
  }

  /** A create of what is not stored but answered: authorised, decoded and admitted like every other. */
  async review(request: ApiRequest, user: UserInfo, reply: ReviewAnswer, check?: ReviewCheck): Promise<ApiAnswer> {
    await this.#authorize(request, user);
    return this.allowed.review(request, user, reply, check);
  }

  #review(request: ApiRequest, user: UserInfo, reply: ReviewAnswer, check?: ReviewCheck): Promise<ApiAnswer> {
    return this.#handle(request, user, async (call) => {
      const { served } = call.kind;
      const own = served.subresources.find(({ name }) => name === request.subresource)?.kind;
      const asked = own ? { ...call, kind: inPlaceOf(call.kind, own) } : call;
      return answer(call, served, await reviewObject(this.#context, asked, reply, check), 201);
    });
  }

  async admitConnection(
    { query, rest, ...asked }: ConnectionRequest,
    user: UserInfo,
  ): Promise<Pick<ConnectionRequest, 'query' | 'rest'>> {
    await this.start();
    const base = this.catalog.kind(asked.group, asked.version, asked.resource);
    const own = base?.served.subresources.find(({ name }) => name === asked.subresource)?.kind;
    if (!base || !own) throw unknownResource();
    const kind = connectionKind(base, own);
    const call: Call = { kind, request: { verb: 'connect', ...asked }, user, dryRun: false, warnings: [] };
    const options = asObject(connectionOptions(own.kind, query, rest), own, asked.name);
    const admitted = await admit(this.#context, call, 'CONNECT', options, undefined);
    await validateAdmission(this.#context, call, 'CONNECT', admitted, undefined);
    if (admitted === options) return { query, ...(rest !== undefined && { rest }) };
    const changed = asOptions(admitted);
    const { path } = changed;
    return { query: changedQuery(own.kind, query, changed), ...(typeof path === 'string' && { rest: path }) };
  }

  async #handle(request: ApiRequest, user: UserInfo, work: (call: Call) => Promise<ApiAnswer>): Promise<ApiAnswer> {
    await this.start();
    const kind = this.catalog.kind(request.group, request.version, request.resource);
    if (!kind) throw unknownResource();
    checkRequestOptions(request);
    const dryRun = (request.options?.dryRun?.length ?? 0) > 0;
    const call: Call = { kind, request, user, dryRun, warnings: [] };
    try {
      return await work(call);
    } catch (error) {
      throw withWarnings(asStatusError(error), call.warnings);
    }
  }

  /** What a write takes of its namespace's quota is written by the server itself, before the object. */
  async #writeQuota(quota: ResourceQuota, within: readonly Fence[]): Promise<void> {
    const request = quotaStatus(quota, { verb: 'update', body: quota });
    await this.#handle(request, apiServerUser, (call) => this.#subresource({ ...call, within }, 'status'));
  }

  async #resource(call: Call): Promise<ApiAnswer> {
    const context = this.#context;
    const { kind, request } = call;
    if (!kind.served.verbs.includes(request.verb)) throw notAllowed();
    switch (request.verb) {
      case 'get':
        if (isComponentStatus(call)) return getComponentStatus(call);
        return answer(call, kind.served, await getObject(context, call));
      case 'list':
        return { type: 'list', resource: kind.served, value: await listed(context, call) };
      case 'watch':
        return { type: 'watch', resource: kind.served, ...(await watchObjects(context, call)) };
      case 'create':
        if (kind.names.group === '' && kind.names.resource === 'bindings') {
          const { value, code } = await legacyBinding(context, call);
          return answer(call, kind.served, value, code);
        }
        return answer(call, kind.served, await createObject(context, call), 201);
      case 'update': {
        const { value, created } = await replaceObject(context, call);
        return answer(call, kind.served, value, created ? 201 : 200);
      }
      case 'patch': {
        const { value, created } = await patchObject(context, call);
        return answer(call, kind.served, value, created ? 201 : 200);
      }
      case 'delete':
        return deleted(call, await deleteObject(context, call));
      case 'deletecollection':
        return list(call, await deleteCollection(context, call));
      default:
        throw notAllowed();
    }
  }

  async #subresource(call: Call, name: string): Promise<ApiAnswer> {
    const { served } = call.kind;
    const declared = served.subresources.find((each) => each.name === name);
    const handler = declared && subresourceHandler(call.kind, name);
    if (!declared || !handler) throw unknownResource();
    if (!declared.verbs.includes(call.request.verb)) throw notAllowed();
    const { value, code } = await handler(this.#context, call);
    return answer(call, served, value, code);
  }

  async #authorize(request: ApiRequest, user: UserInfo): Promise<void> {
    const question = questionAbout(user, request, request.options);
    const decision = await this.#context.authorizer.authorize(question);
    if (!decision.allowed) throw notAllowedTo(question, decision);
  }
}

const quotaStatus = (
  { metadata: { namespace, name } }: ResourceQuota,
  change: Pick<ApiRequest, 'verb' | 'body' | 'patchType'>,
): ApiRequest => ({
  group: '',
  version: 'v1',
  resource: ResourceQuota.plural,
  subresource: 'status',
  ...(namespace && { namespace }),
  name,
  options: { fieldManager: 'kube-apiserver' },
  ...change,
});

function answer(call: Call, resource: ServedResource, value: EncodedObject, code: 200 | 201 | 202 = 200): ApiAnswer {
  return { type: 'object', code, resource, value, ...(call.warnings.length > 0 && { warnings: call.warnings }) };
}

const listed = (context: RegistryContext, call: Call) =>
  isComponentStatus(call) ? listComponentStatuses(call) : listObjects(context, call);

const list = ({ kind, warnings }: Call, value: ListAnswer): ApiAnswer => ({
  type: 'list',
  resource: kind.served,
  value,
  ...(warnings.length > 0 && { warnings }),
});

const deleted = (call: Call, outcome: DeleteOutcome) =>
  answer(call, call.kind.served, outcome.value, codeOfDeletion(call.request, outcome));

function unknownResource(): StatusError {
  return StatusError.of(404, 'NotFound', 'the server could not find the requested resource', {});
}

function notAllowed(): StatusError {
  return StatusError.methodNotAllowed('the server does not allow this method on the requested resource');
}
