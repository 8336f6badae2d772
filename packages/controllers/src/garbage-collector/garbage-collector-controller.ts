import {
  type Client,
  type Clock,
  type Controller,
  CustomResourceDefinition,
  type EventRecorder,
  type Informer,
  type InformerEvent,
  type Informers,
  isStatusError,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  type OwnerReference,
  objectKey,
  type ReconcileContext,
  type ReconcileResult,
  refOf,
  watch,
  watchKeys,
  wellKnown,
} from '@keelson/core';
import { Subject } from 'rxjs';
import { Dependents } from './dependents.ts';
import { type AnyType, discoverTypes, typeId } from './discovered-types.ts';
import { hasFinalizer, type OwnerState, verdict, waitsForDependents } from './verdict.ts';

/** The key that stands for "see which kinds there are". All others but the next are `<type id> <object key>`. */
const discovery = 'discovery';
/** The key that stands for "see which kinds definitions have brought". */
const defined = 'defined';
const rememberedAbsences = 500;
/** To begin to follow hundreds of kinds at once would keep everybody else waiting. */
const followedAtOnce = 16;
/** After this time a kind that is unknown, or whose first list does not come, is asked for again. */
const retryMs = 30_000;

/** Deletes what nobody owns any more; makes owners wait for their dependents, or dependents forget their owners. */
export class GarbageCollectorController implements Controller {
  readonly name = 'garbage-collector';
  readonly concurrency = 20;
  readonly watches;
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly informers: Informers;
  private readonly recorder: EventRecorder;
  private readonly keys$ = new Subject<ObjectKey>();
  private readonly dependents = new Dependents();
  private readonly monitors = new Map<string, Informer>();
  private readonly byKind = new Map<string, AnyType>();
  /** Definitions whose kinds are not followed yet, by name. */
  private readonly brought = new Map<string, CustomResourceDefinition>();
  private discoveredAt = Number.NEGATIVE_INFINITY;
  /** Uids of owners that a live read did not find; a uid never comes back. */
  private readonly absent = new Set<string>();

  constructor(client: Client, informers: Informers, recorder: EventRecorder, clock: Clock) {
    this.client = client;
    this.clock = clock;
    this.informers = informers;
    this.recorder = recorder.as('garbage-collector-controller');
    const definitions = informers.for(CustomResourceDefinition);
    this.watches = [
      watch(definitions)
        .filter((each) => this.isNew(each))
        .map((each) => {
          this.brought.set(each.metadata.name, each);
          return [defined];
        }),
      watchKeys(definitions, 'dependents', this.keys$),
      watch(informers.for(namespaceType))
        .filter(({ metadata }) => metadata.name === 'default' || metadata.name === 'kube-system')
        .map(() => [discovery]),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    if (key === discovery) return this.discover(signal);
    if (key === defined) return this.followDefined(signal);
    const space = key.indexOf(' ');
    const id = key.slice(0, space);
    const object = this.monitors.get(id)?.lister.get(key.slice(space + 1));
    const type = this.monitors.get(id)?.type;
    if (!object || !type) return undefined;
    if (object.metadata.deletionTimestamp === undefined) return this.judge(type, object, signal);
    if (hasFinalizer(object, wellKnown.orphanFinalizer)) await this.orphanDependents(type, object, signal);
    else if (waitsForDependents(object)) await this.awaitDependents(type, object, signal);
    return undefined;
  }

  /** Follows every kind that is served. Kinds that are served no more have no objects, and cost nothing. */
  private async discover(signal: AbortSignal): Promise<ReconcileResult> {
    await this.follow(await discoverTypes(this.client.transport, signal), signal);
    this.discoveredAt = this.clock.now();
    return this.followDefined(signal);
  }

  /** To read all of discovery whenever one of thousands of definitions comes would keep the API server from all else. */
  private async followDefined(signal: AbortSignal): Promise<ReconcileResult> {
    if (this.discoveredAt === Number.NEGATIVE_INFINITY) return this.discover(signal);
    const fresh = [...this.brought].slice(0, followedAtOnce);
    for (const [name] of fresh) this.brought.delete(name);
    await this.follow(
      fresh.map(([, each]) => typeOf(each)),
      signal,
    );
    return this.brought.size > 0 ? { requeueAfter: 1 } : undefined;
  }

  /** Whether a definition is established, and so served, whose kind is not followed yet. */
  private isNew({ metadata, spec, status }: CustomResourceDefinition): boolean {
    return (
      metadata.deletionTimestamp === undefined &&
      spec.versions.some(({ served }) => served) &&
      status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') === true &&
      !this.monitors.has(`${spec.names.plural}.${spec.group}`)
    );
  }

  private async follow(types: readonly AnyType[], signal: AbortSignal): Promise<void> {
    const fresh: Informer[] = [];
    for (const type of types) {
      this.byKind.set(`${type.group}/${type.kind}`, type);
      if (this.monitors.has(typeId(type))) continue;
      const informer = this.informers.for(type);
      this.monitors.set(typeId(type), informer);
      fresh.push(informer);
    }
    // Owners are looked up in the caches first: so let the first lists come before dependents are judged.
    const limit = AbortSignal.any([signal, this.after(10_000)]);
    for (const informer of fresh) {
      await informer.waitForSync(limit).catch((error: unknown) => {
        signal.throwIfAborted();
        if (!limit.aborted) throw error;
      });
      const { type } = informer;
      informer.events$.subscribe((event) => this.onEvent(type, event));
      for (const object of informer.lister.list()) {
        this.onEvent(type, { type: 'added', key: keyOf(object), object });
      }
    }
  }

  private after(ms: number): AbortSignal {
    const controller = new AbortController();
    this.clock.after(ms, () => controller.abort(new Error(`no first list within ${ms} ms`)));
    return controller.signal;
  }

  private enqueue(type: AnyType, key: ObjectKey): void {
    this.keys$.next(`${typeId(type)} ${key}`);
  }

  private onEvent(type: AnyType, event: InformerEvent<KubernetesObject>): void {
    const { object, key } = event;
    const replaced = event.type === 'updated' && event.previous.metadata.uid !== object.metadata.uid;
    if (replaced) this.onGone(type, event.previous);
    if (event.type === 'deleted') {
      this.onGone(type, object);
      return;
    }
    const previous = event.type === 'updated' && !replaced ? event.previous : undefined;
    this.dependents.set(type, object, previous);
    const { ownerReferences, deletionTimestamp, finalizers } = object.metadata;
    if (deletionTimestamp !== undefined && (finalizers?.length ?? 0) > 0) this.enqueue(type, key);
    if (previous?.metadata.ownerReferences === ownerReferences) return;
    // Whoever was let go, or no longer blocks, may be what a former owner waits for.
    for (const reference of previous?.metadata.ownerReferences ?? []) this.enqueueOwner(object, reference);
    if (ownerReferences?.some((reference) => !this.isKnown(object, reference))) this.enqueue(type, key);
  }

  private onGone(type: AnyType, object: KubernetesObject): void {
    this.dependents.delete(type, object);
    for (const each of this.dependents.of(object.metadata.uid)) this.enqueue(each.type, each.key);
    for (const reference of object.metadata.ownerReferences ?? []) this.enqueueOwner(object, reference);
  }

  private enqueueOwner(dependent: KubernetesObject, reference: OwnerReference): void {
    const owner = this.cached(dependent, reference);
    if (owner && waitsForDependents(owner.object)) this.enqueue(owner.type, keyOf(owner.object));
  }

  /** The owner as the cache has it, if the uid is right. */
  private cached(dependent: KubernetesObject, reference: OwnerReference) {
    const type = this.typeOf(reference);
    if (!type) return undefined;
    const key = objectKey({
      name: reference.name,
      ...(type.namespaced && { namespace: dependent.metadata.namespace }),
    });
    const object = this.monitors.get(typeId(type))?.lister.get(key);
    return object && object.metadata.uid === reference.uid ? { type, object } : undefined;
  }

  private isKnown(dependent: KubernetesObject, reference: OwnerReference): boolean {
    const owner = this.cached(dependent, reference);
    return owner !== undefined && !waitsForDependents(owner.object);
  }

  private typeOf({ apiVersion, kind }: OwnerReference): AnyType | undefined {
    const slash = apiVersion.indexOf('/');
    return this.byKind.get(`${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}`);
  }

  private async judge(type: AnyType, object: KubernetesObject, signal: AbortSignal): Promise<ReconcileResult> {
    const references = object.metadata.ownerReferences ?? [];
    const owners: { reference: OwnerReference; state: OwnerState }[] = [];
    for (const reference of references) {
      const state = await this.stateOf(object, reference, signal);
      if (state === 'unknown') {
        // An extension server may have begun to serve it.
        if (this.clock.now() - this.discoveredAt >= retryMs) this.keys$.next(discovery);
        return { requeueAfter: retryMs };
      }
      if (state === 'invalid') {
        this.recorder.event(type, object, 'Warning', 'OwnerRefInvalidNamespace', invalidOwner(object, reference));
        return undefined;
      }
      owners.push({ reference, state });
    }
    const decision = verdict(object, owners, this.dependents.of(object.metadata.uid).length > 0);
    try {
      if (decision.do === 'release') {
        await this.release(type, object, new Set(decision.uids), signal);
      } else if (decision.do === 'delete') {
        for (const { reference, state } of owners) {
          if (state === 'absent' && this.isElsewhere(object, reference)) {
            this.recorder.event(type, object, 'Warning', 'OwnerRefInvalidNamespace', invalidOwner(object, reference));
          }
        }
        const unblocked = decision.propagationPolicy === 'Foreground' && (await this.breakCircle(type, object, signal));
        await this.client.delete(type, object.metadata, {
          propagationPolicy: decision.propagationPolicy,
          preconditions: {
            uid: object.metadata.uid,
            ...(!unblocked && { resourceVersion: object.metadata.resourceVersion }),
          },
          signal,
        });
      }
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }

  /** Objects that own each other in a circle would wait for each other for ever: who closes the circle no longer blocks. */
  private async breakCircle(type: AnyType, object: KubernetesObject, signal: AbortSignal): Promise<boolean> {
    const { uid, ownerReferences = [] } = object.metadata;
    const circular = this.dependents.of(uid).some((dependent) => {
      const found = this.monitors.get(typeId(dependent.type))?.lister.get(dependent.key);
      return found !== undefined && waitsForDependents(found);
    });
    if (!circular || !ownerReferences.some((each) => each.blockOwnerDeletion)) return false;
    const unblocked = ownerReferences.map((each) => ({ ...each, blockOwnerDeletion: false }));
    await this.client.patch(
      type,
      object.metadata,
      { merge: { metadata: { uid, ownerReferences: unblocked } } },
      { signal },
    );
    return true;
  }

  /** The cache says that an owner is there; that it is not there only a live read can say. */
  private async stateOf(
    dependent: KubernetesObject,
    reference: OwnerReference,
    signal: AbortSignal,
  ): Promise<OwnerState | 'unknown' | 'invalid'> {
    const cached = this.cached(dependent, reference);
    if (cached) return waitsForDependents(cached.object) ? 'waiting' : 'solid';
    if (this.absent.has(reference.uid)) return 'absent';
    const type = this.typeOf(reference);
    if (!type) return 'unknown';
    const { namespace } = dependent.metadata;
    if (type.namespaced && !namespace) return 'invalid';
    try {
      const owner = await this.client.get(
        type,
        { name: reference.name, ...(type.namespaced && { namespace }) },
        { signal },
      );
      if (owner.metadata.uid === reference.uid) return waitsForDependents(owner) ? 'waiting' : 'solid';
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    this.absent.add(reference.uid);
    if (this.absent.size > rememberedAbsences) {
      for (const oldest of this.absent) {
        this.absent.delete(oldest);
        break;
      }
    }
    return 'absent';
  }

  /** Whether the named owner lives in another namespace, where it cannot own this object. */
  private isElsewhere(dependent: KubernetesObject, reference: OwnerReference): boolean {
    const type = this.typeOf(reference);
    if (!type?.namespaced) return false;
    const siblings = this.dependents.of(reference.uid);
    // A search through all possible owners is worth its time only if something hints at one.
    if (siblings.length > 1 && siblings.every((each) => refOf(each.key).namespace === dependent.metadata.namespace)) {
      return false;
    }
    const owners = this.monitors.get(typeId(type))?.lister.list() ?? [];
    return owners.some((each) => each.metadata.uid === reference.uid);
  }

  private async release(type: AnyType, object: KubernetesObject, uids: ReadonlySet<string>, signal: AbortSignal) {
    const { resourceVersion, uid } = object.metadata;
    const ownerReferences = (object.metadata.ownerReferences ?? []).filter((each) => !uids.has(each.uid));
    const merge = {
      metadata: { resourceVersion, uid, ownerReferences: ownerReferences.length > 0 ? ownerReferences : null },
    };
    await this.client.patch(type, object.metadata, { merge }, { signal });
  }

  private async orphanDependents(type: AnyType, owner: KubernetesObject, signal: AbortSignal): Promise<void> {
    const uid = owner.metadata.uid ?? '';
    for (const dependent of this.dependents.of(uid)) {
      const object = this.monitors.get(typeId(dependent.type))?.lister.get(dependent.key);
      if (!object) continue;
      try {
        await this.release(dependent.type, object, new Set([uid]), signal);
      } catch (error) {
        if (!isStatusError(error, 'NotFound')) throw error;
      }
    }
    await this.removeFinalizer(type, owner, wellKnown.orphanFinalizer, signal);
  }

  private async awaitDependents(type: AnyType, owner: KubernetesObject, signal: AbortSignal): Promise<void> {
    let blocked = false;
    for (const dependent of this.dependents.of(owner.metadata.uid)) {
      const object = this.monitors.get(typeId(dependent.type))?.lister.get(dependent.key);
      const reference = object?.metadata.ownerReferences?.find((each) => each.uid === owner.metadata.uid);
      if (reference?.blockOwnerDeletion) blocked = true;
      if (object && object.metadata.deletionTimestamp === undefined) this.enqueue(dependent.type, dependent.key);
    }
    if (!blocked) await this.removeFinalizer(type, owner, wellKnown.foregroundDeletionFinalizer, signal);
  }

  private async removeFinalizer(type: AnyType, object: KubernetesObject, finalizer: string, signal: AbortSignal) {
    const { resourceVersion, uid, finalizers = [] } = object.metadata;
    const left = finalizers.filter((each) => each !== finalizer);
    const merge = { metadata: { resourceVersion, uid, finalizers: left.length > 0 ? left : null } };
    try {
      await this.client.patch(type, object.metadata, { merge }, { signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}

const namespaceType: AnyType = { group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false };

function invalidOwner(object: KubernetesObject, { apiVersion, kind, name, uid }: OwnerReference): string {
  return `ownerRef [${apiVersion}/${kind}, namespace: ${object.metadata.namespace ?? ''}, name: ${name}, uid: ${uid}] does not exist in namespace "${object.metadata.namespace ?? ''}"`;
}

/** The kind of a definition, in a version in which it is served. */
function typeOf({ spec: { group, names, scope, versions } }: CustomResourceDefinition): AnyType {
  const { name: version = '' } =
    versions.find(({ served, storage }) => served && storage) ?? versions.find(({ served }) => served) ?? {};
  return { group, version, kind: names.kind, plural: names.plural, namespaced: scope === 'Namespaced' };
}
