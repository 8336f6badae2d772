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
} from '@keelson/core';
import { countedKind, evaluatorFor, type QuotaEvaluator, usageOf } from '@keelson/core/admission';
import { Subject } from 'rxjs';
import { discoverTypes } from '../garbage-collector/discovered-types.ts';
import { holdBack, lowered } from './hold-back.ts';
import { type Counted, quotaStatus } from './usage.ts';

/** Everything is counted anew this often, whatever events say: what was charged and never written is given back. */
const resyncMs = 5 * 60_000;
/** How often a kind that a quota names and that nobody serves is asked for again. */
const unknownKindMs = 30_000;
/** A count that lowered is counted again so soon: a slow store may have had a charged object on its way even then. */
const recountMs = 50;

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
  /** By uid and resource: when usage rose last. */
  readonly #raised = new Map<string, Map<string, number>>();
  /** By uid and resource: what went, in billionths, and is not given back yet. */
  readonly #released = new Map<string, Map<string, bigint>>();

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#informers = informers;
    this.#quotas = informers.for(ResourceQuota);
    this.#quotas.events$.subscribe((event) => this.#onQuota(event));
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
    const released = this.#takeReleased(uid);
    const { status, wait } = holdBack(
      quota,
      quotaStatus(quota, counted, now),
      { raised: this.#raised.get(uid), released },
      now,
    );
    const next = { requeueAfter: wait ?? (complete ? resyncMs : unknownKindMs) };
    if (semanticEqual(quota.status, status)) return next;
    try {
      await this.#client.updateStatus(ResourceQuota, { ...quota, status }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return next;
      // What may have been given back is not given back again: the next count in a quiet moment tells.
      if (!isStatusError(error, 'Conflict')) throw error;
      // Admission has charged it meanwhile: once more, from what will then be known.
      for (const [name, nanos] of released) this.#release(uid, name, nanos);
      return { requeueAfter: recountMs };
    }
    return wait === undefined && lowered(quota.status, status).length > 0 ? { requeueAfter: recountMs } : next;
  }

  #takeReleased(uid: string): ReadonlyMap<string, bigint> {
    const released = this.#released.get(uid) ?? new Map<string, bigint>();
    this.#released.delete(uid);
    return released;
  }

  #release(uid: string, name: string, nanos: bigint): void {
    const released = this.#released.get(uid) ?? new Map<string, bigint>();
    this.#released.set(uid, released);
    released.set(name, (released.get(name) ?? 0n) + nanos);
  }

  #onQuota(event: InformerEvent<ResourceQuota>): void {
    const { metadata, status } = event.object;
    const { uid = '' } = metadata;
    if (event.type === 'deleted') {
      this.#raised.delete(uid);
      this.#released.delete(uid);
      return;
    }
    const raised = this.#raised.get(uid) ?? new Map<string, number>();
    this.#raised.set(uid, raised);
    const rises = event.type === 'updated' ? lowered(status, event.previous.status) : Object.keys(status?.used ?? {});
    for (const name of rises) raised.set(name, this.#clock.now());
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
    const now = this.#clock.now();
    if (event.type === 'updated') {
      if (semanticEqual(texts(evaluator.usage(event.object, now)), texts(evaluator.usage(event.previous, now)))) return;
    }
    for (const quota of quotas) {
      if (!Object.keys(quota.spec?.hard ?? {}).some((name) => evaluator.counts(name))) continue;
      const before = event.type === 'updated' ? event.previous : event.object;
      const after = usageOf(quota, evaluator, event.type === 'updated' ? [event.object] : [], now);
      for (const [name, { nanos }] of Object.entries(usageOf(quota, evaluator, [before], now))) {
        const less = nanos - (after[name]?.nanos ?? 0n);
        if (less > 0n) this.#release(quota.metadata.uid ?? '', name, less);
      }
      this.#keys$.next(keyOf(quota));
    }
  }
}

const texts = (amounts: ReturnType<QuotaEvaluator['usage']>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, { nanos }]) => [name, String(nanos)]));
