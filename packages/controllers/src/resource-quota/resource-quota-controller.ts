import {
  type Client,
  type Clock,
  type Controller,
  type Informer,
  type InformerEvent,
  type Informers,
  isStatusError,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  PersistentVolumeClaim,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  ResourceQuota,
  Service,
  semanticEqual,
  watch,
  watchKeys,
} from '@keelson/core';
import { countedKind, evaluatorFor, inAllScopes, type QuotaEvaluator } from '@keelson/core/admission';
import { Subject } from 'rxjs';
import { discoverTypes } from '../garbage-collector/discovered-types.ts';
import { type Counted, quotaStatus } from './usage.ts';

/** Everything is counted anew this often, whatever events say: what was charged when a server died is given back. */
const resyncMs = 5 * 60_000;
/** How often a kind that a quota names and that nobody serves is asked for again. */
const unknownKindMs = 30_000;
/** How often at most a quota is written: each count makes the API server count what is stored, and charges wait for it. */
const paceMs = 100;
/** How long after room became free is counted once more: the informer of quotas may have been behind that of the object. */
const settleMs = 1_000;

/** Counts what a namespace holds against its quotas, at once when a quota comes or room becomes free. */
export class ResourceQuotaController implements Controller {
  readonly name = 'resource-quota';
  readonly concurrency = 5;
  readonly watches;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #informers: Informers;
  readonly #quotas: Informer<ResourceQuota>;
  readonly #keys$ = new Subject<ObjectKey>();
  /** By `count/…` name without the prefix: what the quotas so far have asked for. */
  readonly #counted = new Map<string, { readonly evaluator: QuotaEvaluator; readonly informer: Informer }>();
  /** By uid: when it was last written. */
  readonly #written = new Map<string, number>();
  /** By uid: room became free since the last count. */
  readonly #freed = new Set<string>();

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#informers = informers;
    this.#quotas = informers.for(ResourceQuota);
    this.#quotas.events$.subscribe(({ type, object }) => {
      if (type !== 'deleted') return;
      this.#written.delete(object.metadata.uid ?? '');
      this.#freed.delete(object.metadata.uid ?? '');
    });
    for (const type of [Pod, Service, PersistentVolumeClaim]) this.#follow(informers.for<KubernetesObject>(type));
    this.watches = [
      watch(this.#quotas)
        .filter(
          (quota, event) =>
            event.type !== 'updated' ||
            !semanticEqual(quota.spec, quota.status && { ...quota.spec, hard: quota.status.hard }) ||
            !semanticEqual(quota.spec, event.previous.spec),
        )
        .self(),
      watchKeys(this.#quotas, 'counted objects', this.#keys$),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    const quota = this.#quotas.lister.get(key);
    if (quota === undefined) return undefined;
    const names = Object.keys(quota.spec?.hard ?? {});
    const complete = await this.#followAll(names, signal);
    const { namespace = '', uid = '' } = quota.metadata;
    const counted: Counted[] = [];
    for (const { evaluator, informer } of this.#counted.values()) {
      if (!names.some((name) => evaluator.counts(name))) continue;
      await informer.waitForSync(signal);
      counted.push({ evaluator, objects: informer.lister.inNamespace(namespace) });
    }
    const now = this.#clock.now();
    const status = quotaStatus(quota, counted, now);
    const isSameLimit = semanticEqual(quota.status?.hard, status.hard);
    const isCounted = semanticEqual(quota.status, status);
    const early = (this.#written.get(uid) ?? 0) + paceMs - now;
    if (isSameLimit && !isCounted && early > 0) return { requeueAfter: early };
    const next = { requeueAfter: this.#freed.delete(uid) ? settleMs : complete ? resyncMs : unknownKindMs };
    if (isCounted) return next;
    this.#written.set(uid, now);
    // Without a version where only usage changes: writes are charged all the time, and the server sees to it that no
    // less is written than is stored or may yet be.
    const { resourceVersion: _resourceVersion, ...unversioned } = quota.metadata;
    const metadata = isSameLimit ? unversioned : quota.metadata;
    try {
      await this.#client.updateStatus(ResourceQuota, { ...quota, metadata, status }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return next;
      if (!isStatusError(error, 'Conflict')) throw error;
      return { requeueAfter: paceMs };
    }
    return next;
  }

  /** Starts to follow the kinds behind these names. Resolves to whether all of them are served. */
  async #followAll(names: readonly string[], signal: AbortSignal): Promise<boolean> {
    const wanted = names
      .filter((name) => ![...this.#counted.values()].some(({ evaluator }) => evaluator.counts(name)))
      .map((name) =>
        name.endsWith('.deviceclass.resource.k8s.io/devices')
          ? { group: 'resource.k8s.io', resource: 'resourceclaims' }
          : countedKind(name),
      )
      .filter((kind) => kind !== undefined);
    if (wanted.length === 0) return true;
    const types = await discoverTypes(this.#client.transport, signal);
    let complete = true;
    for (const { group, resource } of wanted) {
      const type = types.find((each) => each.group === group && each.plural === resource && each.namespaced);
      if (type === undefined) complete = false;
      else this.#follow(this.#informers.for(type));
    }
    return complete;
  }

  #follow(informer: Informer): void {
    const { group, plural } = informer.type;
    const id = `${plural}.${group}`;
    if (this.#counted.has(id)) return;
    const evaluator = evaluatorFor(group, plural);
    this.#counted.set(id, { evaluator, informer });
    informer.events$.subscribe((event) => this.#onEvent(evaluator, event));
  }

  /** What is new has been charged by admission; what goes, or takes less, leaves room. */
  #onEvent(evaluator: QuotaEvaluator, event: InformerEvent<KubernetesObject>): void {
    if (event.type === 'added') return;
    const quotas = this.#quotas.lister.inNamespace(event.object.metadata.namespace ?? '');
    if (quotas.length === 0) return;
    const now = this.#clock.now();
    const changed =
      event.type === 'updated' &&
      !semanticEqual(texts(evaluator.usage(event.object, now)), texts(evaluator.usage(event.previous, now)));
    for (const quota of quotas) {
      if (!Object.keys(quota.spec?.hard ?? {}).some((name) => evaluator.counts(name))) continue;
      if (event.type === 'updated' && !changed) {
        const isIn = (object: KubernetesObject) => inAllScopes(quota, evaluator, object);
        if (isIn(event.object) === isIn(event.previous)) continue;
      }
      this.#freed.add(quota.metadata.uid ?? '');
      this.#keys$.next(keyOf(quota));
    }
  }
}

const texts = (amounts: ReturnType<QuotaEvaluator['usage']>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, { nanos }]) => [name, String(nanos)]));
