import type { Condition, KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { EventRecorder, ReconcileContext } from '../controller/index.ts';
import type { Informer, InformerOptions, Informers } from '../informer/index.ts';
import {
  type Clock,
  controllerOf,
  createMergePatch,
  isControlledBy,
  isJsonObject,
  isStatusError,
  keyOf,
  type NewCondition,
  type ObjectKey,
  objectKey,
  semanticEqual,
  setCondition,
  timestamp,
} from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { ChildApplier, ChildObject } from './child-applier.ts';
import type { ClusterPeers } from './cluster-peers.ts';
import type { DeclaredAccess } from './declared-access.ts';
import { deleteChild } from './delete-child.ts';
import { eachInTurn } from './each-in-turn.ts';
import { filledCaches } from './filled-caches.ts';
import { clustersAnnotation, clustersOf, RemoteChildren } from './remote-children.ts';

/** The type of an object's status, with every field optional. */
export type StatusOf<T> = T extends { readonly status?: infer S } ? Partial<NonNullable<S>> : never;

/** What a reconcile of an operator works with. */
export interface OperatorContext<T extends KubernetesObject, Owned extends ResourceType = ResourceType>
  extends ReconcileContext {
  readonly key: ObjectKey;
  /** In which of several clusters the object is; `undefined` where there is but one. */
  readonly cluster: string | undefined;
  /** For what the operator has declared in `uses`. Its writes are seen by the key's next reconcile, which they may cause. */
  readonly client: Client;
  /** Of kinds that were declared. A cache that is not filled yet cannot be read: the reconcile is tried again then. */
  readonly informers: Informers;
  readonly logger: Logger;
  /** The time that tests and simulations move; instead of `Date.now()`. */
  readonly clock: Clock;
  /**
   * Makes sure that a child is as described, by server-side apply: creates it with the object as its owner, or changes
   * what differs. Fields that are not mentioned keep the server's defaults; a field that is no longer mentioned goes.
   * In another `cluster` than the object's own it is made without an owner there, and goes with the object all the same.
   * @throws Error when the type is not in `owns`, an object of that name belongs to somebody else, or the cluster is away
   */
  apply<C extends KubernetesObject>(
    type: ResourceType<C> & Owned,
    child: ChildObject<C>,
    options?: InCluster,
  ): Promise<C>;
  /** Any object of a kind in `owns` or `references`, in the object's namespace unless that is given: as this reconcile left it, else from the cache. */
  get<C extends KubernetesObject>(type: ResourceType<C>, name?: string, namespace?: string): C | undefined;
  /** The object's children of an owned kind, from the cache. */
  children<C extends KubernetesObject>(type: ResourceType<C> & Owned, options?: InCluster): readonly C[];
  /** Deletes a child, if it is there. */
  remove(type: Owned, name?: string, options?: InCluster): Promise<void>;
  /** Deletes the children that this reconcile has not applied; of all owned kinds, or of those given. */
  prune(...types: readonly Owned[]): Promise<void>;
  /** Merged into the status and written once, after the reconcile, if it differs; `observedGeneration` comes by itself. */
  setStatus(status: StatusOf<T>): void;
  /** Puts a condition into `status.conditions`, written with the status. Its times and `observedGeneration` come by themselves. */
  setCondition(type: string, status: boolean | 'Unknown', reason: string, message?: string): void;
  event(kind: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Names of the dependents that are not ready or not gone yet; empty: all are as they should be. */
  readonly waiting: readonly string[];
  /** The state in which an external resource was seen by this reconcile; `undefined`: not there, or not looked at yet. */
  observed<Observed>(external: Observes<Observed>): Observed | undefined;
}

/** Which of several clusters is meant. Default: the object's own. */
export interface InCluster {
  readonly cluster?: string;
}

/** Something whose state a reconcile observes; carries the state's type. */
export interface Observes<Observed> {
  /** Type only; never present at run time. */
  readonly __observed?: Observed;
}

export interface OperatorParts<T extends KubernetesObject> {
  readonly operator: string;
  readonly cluster: string | undefined;
  /** The other clusters, where there are some. */
  readonly peers: ClusterPeers | undefined;
  /** Of an object that has children in other clusters. */
  readonly clustersFinalizer: string;
  readonly type: ResourceType<T>;
  readonly owns: readonly ResourceType[];
  /** Kinds that objects refer to. */
  readonly references: readonly { readonly type: ResourceType; readonly optional?: boolean }[];
  /** What the operator has declared that it does. */
  readonly access: DeclaredAccess;
  readonly observesGeneration: boolean;
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly applier: ChildApplier;
}

/** On children that belong to a dependent: the operator's name, a dot, and the dependent's. */
export const dependentLabel = 'keelson.dev/dependent';

/** Every informer of children has an index of this name: by the uid of their controller. */
export const controllerIndex = 'controller';

export const controllerUid = (object: KubernetesObject): readonly string[] => {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
};

/** One reconcile's context, and the status write at its end. */
export class OperatorRun<T extends KubernetesObject> {
  readonly #parts: OperatorParts<T>;
  /** As this reconcile left it. */
  #object: T;
  readonly #reconcile: ReconcileContext;
  /** What this reconcile made of children, which the caches do not know yet. */
  readonly #written = new Map<string, KubernetesObject | undefined>();
  readonly #applied = new Set<string>();
  readonly #observed = new Map<object, unknown>();
  readonly #remote: RemoteChildren;
  #status: Record<string, unknown> | undefined;
  /** Names of the dependents that are not as they should be. */
  waiting: readonly string[] = [];

  constructor(parts: OperatorParts<T>, object: T, reconcile: ReconcileContext) {
    this.#parts = parts;
    this.#object = object;
    this.#reconcile = reconcile;
    this.#remote = new RemoteChildren(parts, reconcile);
  }

  context(key: ObjectKey): OperatorContext<T> {
    const { access, client, clock, cluster, informers, logger, recorder, type } = this.#parts;
    const reconcile = this.#reconcile;
    const object = this.#object;
    const run = this;
    return {
      key,
      cluster,
      client: access.client(reconcile.track(client)),
      informers: filledCaches(access.informers(informers)),
      logger,
      clock,
      signal: reconcile.signal,
      track: (other, options) => reconcile.track(other, options),
      read: (kind, of) => reconcile.read(kind, of),
      apply: (child, desired, { cluster: place = cluster } = {}) =>
        place === cluster || place === undefined
          ? this.#apply(child, desired)
          : this.#applyElsewhere(place, child, desired),
      get: (child, name, namespace) => this.#get(child, this.#keyOfChild(child, name, namespace)),
      children: (child, { cluster: place = cluster } = {}) =>
        place === cluster || place === undefined
          ? this.#children(child)
          : this.#remote.list(this.#object, place, child),
      remove: (child, name, { cluster: place = cluster } = {}) => {
        const of = this.#keyOfChild(child, name);
        return place === cluster || place === undefined ? this.#remove(child, of) : this.#removeFrom(place, child, of);
      },
      prune: (...types) => this.#prune(types),
      setStatus: (status) => {
        this.#status = { ...this.#status, ...status };
      },
      setCondition: (name, status, reason, message) => this.setCondition(name, status, reason, message),
      event: (kind, reason, message) => recorder.event(type, object, kind, reason, message),
      get waiting() {
        return run.waiting;
      },
      // Filed under what carries the type of its state.
      observed: <O>(external: Observes<O>) => run.#observed.get(external) as O | undefined,
    };
  }

  get signal(): AbortSignal {
    return this.#reconcile.signal;
  }

  /** The object as this reconcile left it. */
  get object(): T {
    return this.#object;
  }

  observe<Observed>(external: Observes<Observed>, state: Observed | undefined): void {
    this.#observed.set(external, state);
  }

  /**
   * Sets an annotation of the object itself, or takes it away.
   * @throws StatusError `Conflict` where the object is no longer the one that was read
   */
  async annotate(name: string, value: string | undefined): Promise<void> {
    const { type } = this.#parts;
    const { uid, resourceVersion } = this.#object.metadata;
    const patch = { merge: { metadata: { uid, resourceVersion, annotations: { [name]: value ?? null } } } };
    this.#object = await this.#quiet.patch(type, this.#object.metadata, patch, { signal: this.#reconcile.signal });
  }

  apply<C extends KubernetesObject>(
    type: ResourceType<C>,
    desired: ChildObject<C>,
    labels?: Readonly<Record<string, string>>,
  ): Promise<C> {
    return this.#apply(type, desired, labels);
  }

  children<C extends KubernetesObject>(type: ResourceType<C>): readonly C[] {
    return this.#children(type);
  }

  /** Whether the child is gone; else its `deleted` event comes when it is. */
  removeChild(
    type: ResourceType,
    child: KubernetesObject,
    propagationPolicy: 'Background' | 'Foreground',
  ): Promise<boolean> {
    if (child.metadata.deletionTimestamp === undefined) this.#written.set(identity(type, keyOf(child)), undefined);
    return deleteChild(this.#quiet, type, child, propagationPolicy, this.#reconcile.signal);
  }

  /** Children in other clusters: what is left of them, and why; nothing: all are gone. */
  removeElsewhere(): Promise<readonly string[]> {
    return this.#remote.removeAll(this.#object);
  }

  /** What the operator makes of its own objects needs no reconcile to be looked at. */
  get #quiet(): Client {
    return this.#reconcile.track(this.#parts.client, { quiet: true });
  }

  /** Writes what `setStatus` and `setCondition` were given, if that changes anything. */
  async flush(): Promise<void> {
    const said = this.#status;
    if (!said) return;
    this.#status = undefined;
    const { type, observesGeneration } = this.#parts;
    const { metadata } = this.#object;
    const current = statusOf(this.#object);
    const next = {
      ...current,
      ...said,
      ...(observesGeneration && metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    };
    if (semanticEqual(current, next)) return;
    const subresource = type.status ? { subresource: 'status' } : {};
    try {
      const status = createMergePatch(current, next);
      const { signal } = this.#reconcile;
      this.#object = await this.#quiet.patch(type, metadata, { merge: { status } }, { ...subresource, signal });
    } catch (error) {
      // It went away meanwhile, and its status with it.
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  async #apply<C extends KubernetesObject>(
    type: ResourceType<C>,
    desired: ChildObject<C>,
    labels?: Readonly<Record<string, string>>,
  ): Promise<C> {
    const { applier, type: ownerType } = this.#parts;
    this.#requireOwned(type);
    const key = this.#keyOfChild(type, desired.metadata?.name, desired.metadata?.namespace);
    const id = identity(type, key);
    // Also where the request fails: it is wanted, and not to be pruned.
    this.#applied.add(id);
    const owner = { type: ownerType, object: this.#object, ...(labels && { labels }) };
    const known = this.#get(type, key);
    const made = await applier.apply(this.#quiet, owner, type, desired, known, this.#reconcile.signal);
    this.#written.set(id, made);
    return made;
  }

  async #applyElsewhere<C extends KubernetesObject>(
    cluster: string,
    type: ResourceType<C>,
    desired: ChildObject<C>,
  ): Promise<C> {
    this.#requireOwned(type);
    this.#remote.peer(cluster);
    await this.#noteCluster(cluster);
    return this.#remote.apply(this.#object, cluster, type, desired);
  }

  /** Before anything is made there: the object stays until that is gone. */
  async #noteCluster(cluster: string): Promise<void> {
    const { type, clustersFinalizer } = this.#parts;
    const { uid, resourceVersion, finalizers = [] } = this.#object.metadata;
    const noted = clustersOf(this.#object);
    const held = finalizers.includes(clustersFinalizer);
    if (held && noted.includes(cluster)) return;
    const annotations = { [clustersAnnotation]: [...new Set([...noted, cluster])].join(',') };
    const metadata = {
      uid,
      resourceVersion,
      annotations,
      finalizers: [...new Set([...finalizers, clustersFinalizer])],
    };
    const { signal } = this.#reconcile;
    this.#object = await this.#quiet.patch(type, this.#object.metadata, { merge: { metadata } }, { signal });
  }

  async #removeFrom(cluster: string, type: ResourceType, key: ObjectKey): Promise<void> {
    this.#requireOwned(type);
    const live = this.#remote.list(this.#object, cluster, type).find((each) => keyOf(each) === key);
    if (live) await this.#remote.remove(cluster, type, live);
  }

  #get<C extends KubernetesObject>(type: ResourceType<C>, key: ObjectKey): C | undefined {
    const { lister } = this.#informer(type);
    const id = identity(type, key);
    // Filed under the type that the server answered for.
    if (this.#written.has(id)) return this.#written.get(id) as C | undefined;
    this.#reconcile.read(type.kind, key);
    return lister.get(key);
  }

  #children<C extends KubernetesObject>(type: ResourceType<C>): readonly C[] {
    this.#requireOwned(type);
    const { uid } = this.#object.metadata;
    if (uid === undefined) return [];
    return this.#informer(type).lister.by(controllerIndex, uid);
  }

  async #prune(types: readonly ResourceType[]): Promise<void> {
    const pruned = types.length > 0 ? types : this.#parts.owns;
    const surplus = pruned.flatMap((type) =>
      this.#children(type)
        // Those of dependents go in their order.
        .filter((each) => each.metadata.labels?.[dependentLabel] === undefined)
        .map(keyOf)
        .filter((key) => !this.#applied.has(identity(type, key)))
        .map((key) => () => this.#remove(type, key)),
    );
    const elsewhere = () => this.#remote.prune(this.#object, pruned);
    await eachInTurn(this.#reconcile.signal, [...surplus, elsewhere]);
  }

  async #remove(type: ResourceType, key: ObjectKey): Promise<void> {
    this.#requireOwned(type);
    const live = this.#get(type, key);
    this.#written.set(identity(type, key), undefined);
    if (!live || !isControlledBy(live, this.#object)) return;
    await deleteChild(this.#quiet, type, live, 'Background', this.#reconcile.signal);
  }

  setCondition(type: string, status: boolean | 'Unknown', reason: string, message = ''): void {
    const { generation } = this.#object.metadata;
    const condition: NewCondition<Condition> = {
      type,
      status: status === 'Unknown' ? status : status ? 'True' : 'False',
      reason,
      message,
      ...(generation !== undefined && { observedGeneration: generation }),
    };
    const before = this.#status?.['conditions'] ?? statusOf(this.#object)['conditions'];
    const conditions = setCondition(conditionsIn(before), condition, timestamp(this.#parts.clock));
    this.#status = { ...this.#status, conditions };
  }

  #keyOfChild(type: ResourceType, name?: string, namespace?: string): ObjectKey {
    const { metadata } = this.#object;
    const place = namespace ?? metadata.namespace;
    return objectKey({ name: name ?? metadata.name, ...(type.namespaced && place && { namespace: place }) });
  }

  #informer<C extends KubernetesObject>(type: ResourceType<C>): Informer<C> {
    const { owns, references, type: own, informers } = this.#parts;
    const reference = references.find((each) => isSame(each.type, type));
    if (!reference && ![own, ...owns].some((each) => isSame(each, type))) {
      throw new Error(
        `${type.kind} is not among the kinds that this operator owns; add it to \`owns\`, or to \`references\` if it only reads it`,
      );
    }
    return informers.for(type, reference && scopeOf(reference));
  }

  #requireOwned(type: ResourceType): void {
    if (this.#parts.owns.some((each) => isSame(each, type))) return;
    throw new Error(`${type.kind} is not among the kinds that this operator owns; add it to \`owns\``);
  }
}

/** Of the informer of a kind that is referred to. */
export const scopeOf = ({ optional }: { readonly optional?: boolean }): Pick<InformerOptions, 'optional'> =>
  optional ? { optional } : {};

const identity = ({ group, plural }: ResourceType, key: ObjectKey) => `${plural}.${group}/${key}`;

const isSame = (one: ResourceType, other: ResourceType) => one.group === other.group && one.kind === other.kind;

function statusOf(object: KubernetesObject): Readonly<Record<string, unknown>> {
  const status: unknown = 'status' in object ? object.status : undefined;
  return isJsonObject(status) ? status : {};
}

function conditionsIn(value: unknown): readonly Condition[] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (each): each is Condition =>
      isJsonObject(each) && typeof each['type'] === 'string' && typeof each['status'] === 'string',
  );
}
