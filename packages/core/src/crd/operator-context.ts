import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { EventRecorder, ReconcileContext } from '../controller/index.ts';
import type { Informers } from '../informer/index.ts';
import {
  createMergePatch,
  isJsonObject,
  isStatusError,
  keyOf,
  type ObjectKey,
  objectKey,
  semanticEqual,
} from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { ChildApplier, ChildObject } from './child-applier.ts';

/** The type of an object's status, with every field optional. */
export type StatusOf<T> = T extends { readonly status?: infer S } ? Partial<NonNullable<S>> : never;

/** What a reconcile of an operator works with. */
export interface OperatorContext<T extends KubernetesObject> extends ReconcileContext {
  readonly key: ObjectKey;
  readonly client: Client;
  readonly informers: Informers;
  readonly logger: Logger;
  /**
   * Makes sure that a child is as described: creates it with the object as its owner, or patches what differs. Fields
   * that are not mentioned keep the server's defaults; a field that is no longer mentioned is removed.
   * @throws Error when the type is not in `owns`, or an object of that name belongs to somebody else
   */
  apply<C extends KubernetesObject>(type: ResourceType<C>, child: ChildObject<C>): Promise<C>;
  /** A child (or any object beside it in the namespace) of an owned kind: as this reconcile left it, else from the cache. */
  get<C extends KubernetesObject>(type: ResourceType<C>, name?: string): C | undefined;
  /** Deletes a child, if it is there. */
  remove(type: ResourceType, name?: string): Promise<void>;
  /** Merged into the status and written once, after the reconcile, if it differs; `observedGeneration` comes by itself. */
  setStatus(status: StatusOf<T>): void;
  event(kind: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface OperatorParts<T extends KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly owns: readonly ResourceType[];
  readonly observesGeneration: boolean;
  readonly client: Client;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly applier: ChildApplier;
}

/** One reconcile's context, and the status write at its end. */
export class OperatorRun<T extends KubernetesObject> {
  readonly #parts: OperatorParts<T>;
  readonly #object: T;
  readonly #reconcile: ReconcileContext;
  /** What this reconcile made of children, which the caches do not know yet. */
  readonly #written = new Map<string, KubernetesObject | undefined>();
  #status: object | undefined;

  constructor(parts: OperatorParts<T>, object: T, reconcile: ReconcileContext) {
    this.#parts = parts;
    this.#object = object;
    this.#reconcile = reconcile;
  }

  context(key: ObjectKey): OperatorContext<T> {
    const { client, informers, logger, recorder, type, applier } = this.#parts;
    const object = this.#object;
    const reconcile = this.#reconcile;
    const { signal } = reconcile;
    const namespace = object.metadata.namespace;
    const keyOfChild = (child: ResourceType, name: string) =>
      objectKey({ name, ...(child.namespaced && namespace && { namespace }) });
    return {
      key,
      client: reconcile.track(client),
      informers,
      logger,
      signal,
      track: (other, options) => reconcile.track(other, options),
      read: (kind, of) => reconcile.read(kind, of),
      apply: async (child, desired) => {
        const made = await applier.apply(this.#quiet, { type, object }, child, desired, this.#lister(child), signal);
        this.#written.set(written(child, keyOf(made)), made);
        return made;
      },
      get: <C extends KubernetesObject>(child: ResourceType<C>, name = object.metadata.name) => {
        const lister = this.#lister(child);
        const childKey = keyOfChild(child, name);
        const id = written(child, childKey);
        // Filed under the type that the server answered for.
        if (this.#written.has(id)) return this.#written.get(id) as C | undefined;
        reconcile.read(child.kind, childKey);
        return lister.get(childKey);
      },
      remove: async (child, name = object.metadata.name) => {
        const childKey = keyOfChild(child, name);
        await this.#remove(child, childKey);
        this.#written.set(written(child, childKey), undefined);
      },
      setStatus: (status) => {
        this.#status = { ...this.#status, ...status };
      },
      event: (kind, reason, message) => recorder.event(type, object, kind, reason, message),
    };
  }

  /** What the operator makes of its own objects needs no reconcile to be looked at. */
  get #quiet(): Client {
    return this.#reconcile.track(this.#parts.client, { quiet: true });
  }

  /** Writes what `setStatus` was given, if that changes anything. */
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
      await this.#quiet.patch(type, metadata, { merge: { status } }, { ...subresource, signal });
    } catch (error) {
      // It went away meanwhile, and its status with it.
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  #lister<C extends KubernetesObject>(type: ResourceType<C>) {
    const { owns, informers } = this.#parts;
    if (!owns.some((each) => each.group === type.group && each.kind === type.kind)) {
      throw new Error(`${type.kind} is not among the kinds that this operator owns; add it to \`owns\``);
    }
    return informers.for(type).lister;
  }

  async #remove(type: ResourceType, key: ObjectKey): Promise<void> {
    const live = this.#lister(type).get(key);
    if (!live || live.metadata.deletionTimestamp !== undefined) return;
    const { uid } = live.metadata;
    try {
      await this.#quiet.delete(type, live.metadata, {
        propagationPolicy: 'Background',
        signal: this.#reconcile.signal,
        ...(uid && { preconditions: { uid } }),
      });
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
  }
}

function statusOf(object: KubernetesObject): object {
  const status: unknown = 'status' in object ? object.status : undefined;
  return isJsonObject(status) ? status : {};
}

const written = ({ group, plural }: ResourceType, key: ObjectKey) => `${plural}.${group}/${key}`;
