import {
  type Client,
  type Clock,
  type Controller,
  compareQuantity,
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
  type ResourceQuotaStatus,
  Service,
  semanticEqual,
  watch,
} from '@keelson/core';
import { countedKind, evaluatorFor, type QuotaEvaluator } from '@keelson/core/admission';
import { Subject } from 'rxjs';
import { discoverTypes } from '../garbage-collector/discovered-types.ts';
import { type Counted, quotaStatus } from './usage.ts';

/** Everything is counted anew this often, whatever events say: what was charged and never written is given back. */
const resyncMs = 5 * 60_000;
/** How often a kind that a quota names and that nobody serves is asked for again. */
const unknownKindMs = 30_000;
/**
 * Admission charges before the object is there, so that a count may miss what was charged a moment ago. Usage is lowered
 * only when nobody has charged for this long, or has kept charging for that long.
 */
const quietMs = 300;
const longestHoldMs = 3_000;

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
  /** By uid: since when a quota is as it is, and since when a lower count waits. */
  readonly #changed = new Map<string, number>();
  readonly #held = new Map<string, number>();

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#informers = informers;
    this.#quotas = informers.for(ResourceQuota);
    this.#quotas.events$.subscribe(({ type, object }) => {
      const { uid = '' } = object.metadata;
      if (type !== 'deleted') this.#changed.set(uid, clock.now());
      else {
        this.#changed.delete(uid);
        this.#held.delete(uid);
      }
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
      { informer: this.#quotas, keys$: this.#keys$.asObservable() },
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
    const next = { requeueAfter: complete ? resyncMs : unknownKindMs };
    if (semanticEqual(quota.status, status)) {
      this.#held.delete(uid);
      return next;
    }
    const wait = lowers(quota.status, status) ? this.#untilQuiet(uid, now) : 0;
    if (wait > 0) return { requeueAfter: wait };
    this.#held.delete(uid);
    try {
      await this.#client.updateStatus(ResourceQuota, { ...quota, status }, { signal });
    } catch (error) {
      // Admission has charged it meanwhile: once more, from what will then be known.
      if (isStatusError(error, 'Conflict')) return { requeueAfter: quietMs };
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return next;
  }

  #untilQuiet(uid: string, now: number): number {
    const since = this.#held.get(uid) ?? now;
    this.#held.set(uid, since);
    const quietAt = (this.#changed.get(uid) ?? 0) + quietMs;
    return Math.max(0, Math.min(quietAt, since + longestHoldMs) - now);
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
      const type = types.find((each) => each.group === group && each.plural === resource);
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
    if (event.type === 'updated') {
      const now = this.#clock.now();
      if (semanticEqual(texts(evaluator.usage(event.object, now)), texts(evaluator.usage(event.previous, now)))) return;
    }
    for (const quota of quotas) {
      if (Object.keys(quota.spec?.hard ?? {}).some((name) => evaluator.counts(name))) this.#keys$.next(keyOf(quota));
    }
  }
}

const texts = (amounts: ReturnType<QuotaEvaluator['usage']>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, { nanos }]) => [name, String(nanos)]));

function lowers(before: ResourceQuotaStatus | undefined, after: ResourceQuotaStatus): boolean {
  return Object.entries(before?.used ?? {}).some(
    ([name, used]) => after.used?.[name] !== undefined && compareQuantity(after.used[name], used) < 0,
  );
}
