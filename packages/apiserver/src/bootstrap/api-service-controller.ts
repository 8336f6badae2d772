import {
  APIService,
  type ApiRequest,
  type Clock,
  type EndpointSlice,
  isStatusError,
  type KubernetesObject,
  type Logger,
  type Service,
  timestamp,
} from '@keelson/core';
import { NumberSeries } from '@keelson/core/metrics';
import type { Aggregator } from '../aggregation/index.ts';
import { follow } from '../authorization/follow.ts';
import type { ApiHandler, CatalogChange, ServedResource, UserInfo } from '../registry/contract.ts';
import { availabilityOf, type Finding, withAvailability } from './api-service-availability.ts';
import { automanaged, builtinService, customService } from './local-api-services.ts';
import { PendingKeys } from './pending-keys.ts';

export interface ApiServiceLoopOptions extends ServerLoopOptions {
  readonly aggregator: Aggregator;
}

export interface ServerLoopOptions {
  readonly handler: ApiHandler;
  /** In whose name it writes. */
  readonly user: UserInfo;
  readonly clock: Clock;
  readonly logger: Logger;
}

const target = { group: APIService.group, version: APIService.version, resource: APIService.plural };
const ofService = 'kubernetes.io/service-name';
const isApiService = (object: KubernetesObject): object is APIService => object.kind === 'APIService';

/**
 * Keeps an APIService for every group version that this server itself serves, and says of each APIService whether it
 * is available. Services and EndpointSlices are watched only once an APIService leads to one.
 */
export class ApiServiceController {
  readonly #options: ApiServiceLoopOptions;
  readonly #services = new Map<string, APIService>();
  readonly #backends = new Map<string, Service>();
  /** By `namespace/service`, then by name. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #pending: PendingKeys;
  /** By name and reason. */
  readonly #losses = new Map<string, { readonly labels: readonly string[]; count: number }>();
  /** Of the versions that definitions define, by name, with how many kinds are in each. */
  readonly #custom = new Map<string, { readonly service: APIService; kinds: number }>();
  #followsBackends = false;

  constructor(options: ApiServiceLoopOptions) {
    this.#options = options;
    this.#pending = new PendingKeys(options.logger, 'an APIService', (name) => this.#reconcile(name));
  }

  /** Resolves when the APIServices of the start are there; goes on until the signal. */
  async start(signal: AbortSignal): Promise<void> {
    const { handler } = this.#options;
    const { catalog } = handler;
    const set = (object: KubernetesObject) => {
      if (!isApiService(object)) return;
      this.#services.set(object.metadata.name, object);
      this.#pending.add(object.metadata.name);
      if (object.spec.service) this.#followBackends(signal);
    };
    const { aggregator } = this.#options;
    aggregator.onFinding((name) => this.#pending.add(name));
    const remove = ({ metadata: { name = '' } }: KubernetesObject) => {
      const known = this.#services.get(name);
      if (known) aggregator.remove(known);
      this.#services.delete(name);
      for (const [key, { labels }] of this.#losses) if (labels[0] === name) this.#losses.delete(key);
      this.#pending.add(name);
    };
    await follow(handler, target, { set, delete: remove }, { ...this.#options, signal });
    const served = catalog.list();
    const wanted = served.filter(({ custom }) => !custom);
    const versions = new Map(wanted.map((each) => [nameOf(each), each]));
    const count = ({ before, after }: CatalogChange) => {
      for (const each of after) if (!versions.has(nameOf(each))) this.#countKind(each, 1);
      for (const each of before) if (!versions.has(nameOf(each))) this.#countKind(each, -1);
    };
    count({ before: [], after: served });
    const subscription = catalog.changes$.subscribe(count);
    signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
    await Promise.all(
      [...versions].map(async ([name, { group, version }]) => {
        const service = builtinService(group, version);
        if (service && !this.#services.has(name)) await this.#create(service);
      }),
    );
    signal.addEventListener('abort', () => this.#pending.stop(), { once: true });
  }

  /** Which are available, in the text format of Prometheus, under the names that Kubernetes gives them. */
  text(): string {
    const unavailable = new NumberSeries({
      type: 'gauge',
      name: 'aggregator_unavailable_apiservice',
      help: '1 for each APIService that is not available.',
      labels: ['name'],
    });
    const changes = new NumberSeries({
      type: 'counter',
      name: 'aggregator_unavailable_apiservice_total',
      help: 'How often an APIService was found not to be available, by reason.',
      labels: ['name', 'reason'],
    });
    for (const [name, { status }] of this.#services) {
      const found = status?.conditions?.find(({ type }) => type === 'Available');
      unavailable.add([name], found?.status === 'True' ? 0 : 1);
    }
    for (const { labels, count } of this.#losses.values()) changes.add(labels, count);
    return unavailable.text() + changes.text();
  }

  #count(name: string, reason: string): void {
    const key = `${name} ${reason}`;
    const known = this.#losses.get(key);
    if (known) known.count++;
    else this.#losses.set(key, { labels: [name, reason], count: 1 });
  }

  #countKind(kind: ServedResource, by: 1 | -1): void {
    const name = nameOf(kind);
    const known = this.#custom.get(name);
    if (known) known.kinds += by;
    else this.#custom.set(name, { service: customService(kind.group, kind.version), kinds: by });
    if (known?.kinds === 0) this.#custom.delete(name);
    if (!known || known.kinds === 0) this.#pending.add(name);
  }

  async #reconcile(name: string): Promise<void> {
    const service = this.#services.get(name);
    const wanted = this.#custom.get(name)?.service;
    if (!service) {
      if (wanted) await this.#create(wanted);
      return;
    }
    if (!wanted && service.metadata.labels?.[automanaged] === 'true') {
      await this.#send({ ...target, verb: 'delete', name, options: preconditions(service) });
      return;
    }
    const { clock } = this.#options;
    const found = this.#find(service);
    if (!found) return;
    const conditions = withAvailability(service.status?.conditions ?? [], found, timestamp(clock));
    if (!conditions) return;
    if (found.status === 'False') this.#count(name, found.reason ?? '');
    const body = { ...service, status: { ...service.status, conditions } };
    await this.#send({ ...target, verb: 'update', name, subresource: 'status', body });
  }

  /** `undefined`: nobody knows yet. */
  #find(service: APIService): Finding | undefined {
    const { aggregator } = this.#options;
    const found = availabilityOf(service, this.#backendOf(service));
    if (found) {
      aggregator.lost(service);
      return found;
    }
    const answer = aggregator.check(service);
    return answer && { type: 'Available', ...answer };
  }

  #backendOf({ spec: { service } }: APIService) {
    const key = `${service?.namespace ?? ''}/${service?.name ?? ''}`;
    return { service: this.#backends.get(key), slices: [...(this.#slices.get(key)?.values() ?? [])] };
  }

  #followBackends(signal: AbortSignal): void {
    if (this.#followsBackends) return;
    this.#followsBackends = true;
    const { handler, logger } = this.#options;
    const options = { ...this.#options, signal };
    const services = {
      set: (object: KubernetesObject) => {
        this.#backends.set(identity(object), object as Service);
        this.#leadingTo(identity(object));
      },
      delete: (object: KubernetesObject) => {
        this.#backends.delete(identity(object));
        this.#leadingTo(identity(object));
      },
    };
    const slices = {
      set: (object: KubernetesObject) => this.#changeSlice(object as EndpointSlice, true),
      delete: (object: KubernetesObject) => this.#changeSlice(object as EndpointSlice, false),
    };
    Promise.all([
      follow(handler, { group: '', version: 'v1', resource: 'services' }, services, options),
      follow(handler, { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' }, slices, options),
    ]).catch((error: unknown) => {
      this.#followsBackends = false;
      if (!signal.aborted) logger.warn('the Services of APIServices could not be watched', { error: String(error) });
    });
  }

  #changeSlice(slice: EndpointSlice, there: boolean): void {
    const service = slice.metadata.labels?.[ofService];
    const { namespace = '', name = '' } = slice.metadata;
    // A slice may have been another Service's before.
    for (const [key, known] of this.#slices) {
      if (!key.startsWith(`${namespace}/`) || (there && key === `${namespace}/${service}`)) continue;
      if (known.delete(name)) this.#leadingTo(key);
      if (known.size === 0) this.#slices.delete(key);
    }
    if (!there || service === undefined) return;
    const key = `${namespace}/${service}`;
    const known = this.#slices.get(key) ?? new Map<string, EndpointSlice>();
    this.#slices.set(key, known.set(name, slice));
    this.#leadingTo(key);
  }

  #leadingTo(key: string): void {
    for (const [name, apiService] of this.#services) {
      const { service } = apiService.spec;
      if (!service || `${service.namespace ?? ''}/${service.name ?? ''}` !== key) continue;
      this.#options.aggregator.moved(apiService);
      this.#pending.add(name);
    }
  }

  async #create(service: APIService): Promise<void> {
    await this.#send({ ...target, verb: 'create', body: service });
  }

  /** What somebody else was faster with comes by watch, and with it the next look. */
  async #send(request: ApiRequest): Promise<void> {
    const { handler, user } = this.#options;
    try {
      await handler.handle(request, user);
    } catch (error) {
      if (!isStatusError(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error;
    }
  }
}

const preconditions = ({ metadata: { uid } }: APIService) => ({ ...(uid && { preconditions: { uid } }) });
const nameOf = ({ group, version }: ServedResource) => `${version}.${group}`;
const identity = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
