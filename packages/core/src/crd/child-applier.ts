import { apiVersionOf, type KubernetesObject, type ObjectMeta, type ResourceType } from '../api/index.ts';
import type { Client, NewObject } from '../client/index.ts';
import type { Lister } from '../informer/index.ts';
import {
  controllerOf,
  isControlledBy,
  isJsonObject,
  isStatusError,
  type JsonObject,
  keyOf,
  objectKey,
  ownerReferenceTo,
} from '../machinery/index.ts';
import { threeWayPatch } from './three-way-patch.ts';

/** A child as its operator wants it. Name and namespace are the owner's unless given. */
export type ChildObject<T extends KubernetesObject> = Omit<NewObject<T>, 'metadata'> & {
  readonly metadata?: Partial<ObjectMeta>;
};

/** Holds what was desired last, so that what is no longer desired can be told from what others have added. */
export const lastAppliedAnnotation = 'keelson.dev/last-applied';

const mostRemembered = 10_000;

/** Brings children to what is desired, with one write or none. */
export class ChildApplier {
  /** What the server made of the last write: it may normalise what it is given, which is no difference to write again. */
  readonly #written = new Map<string, { readonly applied: string; readonly resourceVersion: string | undefined }>();

  /**
   * @param lister where the child is looked up
   * @throws Error when an object of that name exists and belongs to somebody else
   */
  async apply<T extends KubernetesObject>(
    client: Client,
    owner: { readonly type: ResourceType; readonly object: KubernetesObject },
    type: ResourceType<T>,
    child: ChildObject<T>,
    lister: Lister<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const metadata = placed(owner.object, type, child.metadata);
    const desired = toJson({ ...child, apiVersion: apiVersionOf(type), kind: type.kind, metadata });
    const applied = JSON.stringify(desired);
    const memory = `${type.group}/${type.kind}/${objectKey(metadata)}`;
    const live =
      lister.get(objectKey(metadata)) ?? (await this.#create(client, owner, type, desired, applied, metadata, signal));
    if (live.metadata.deletionTimestamp !== undefined) return live;
    requireOwned(owner, type, live);
    const written = this.#written.get(memory);
    if (written?.applied === applied && written.resourceVersion === live.metadata.resourceVersion) return live;
    const patch = patchFor(desired, applied, live);
    if (!patch) return live;
    const result = await client.patch(type, metadata, { merge: patch }, { signal });
    this.#remember(memory, applied, result);
    return result;
  }

  async #create<T extends KubernetesObject>(
    client: Client,
    owner: { readonly type: ResourceType; readonly object: KubernetesObject },
    type: ResourceType<T>,
    desired: JsonObject,
    applied: string,
    metadata: { readonly name: string; readonly namespace?: string },
    signal: AbortSignal,
  ): Promise<T> {
    const own = isJsonObject(desired['metadata']) ? desired['metadata'] : {};
    const annotations = {
      ...(isJsonObject(own['annotations']) ? own['annotations'] : {}),
      [lastAppliedAnnotation]: applied,
    };
    const ownerReferences = [ownerReferenceTo(owner.object, owner.type)];
    // `desired` is the child that `ChildObject<T>` describes, gone through JSON.
    const object = {
      ...desired,
      metadata: { ...own, annotations, ownerReferences },
    } as NewObject<KubernetesObject> as NewObject<T>;
    try {
      return await client.create(type, object, { signal });
    } catch (error) {
      // The informer is a moment behind.
      if (isStatusError(error, 'AlreadyExists')) return client.get(type, metadata, { signal });
      throw error;
    }
  }

  #remember(memory: string, applied: string, object: KubernetesObject): void {
    this.#written.delete(memory);
    this.#written.set(memory, { applied, resourceVersion: object.metadata.resourceVersion });
    if (this.#written.size > mostRemembered) {
      const [oldest] = this.#written.keys();
      if (oldest !== undefined) this.#written.delete(oldest);
    }
  }
}

function patchFor(desired: JsonObject, applied: string, live: KubernetesObject): JsonObject | undefined {
  const said = live.metadata.annotations?.[lastAppliedAnnotation];
  // Lists leave these two out of their items; they never differ.
  const { apiVersion: _, kind: __, ...wanted } = desired;
  const { apiVersion: ___, kind: ____, ...previous } = parsePrevious(said);
  const patch = threeWayPatch(previous, wanted, toJson(live));
  if (!patch && said === applied) return undefined;
  const metadata = isJsonObject(patch?.['metadata']) ? patch['metadata'] : {};
  const annotations = isJsonObject(metadata['annotations']) ? metadata['annotations'] : {};
  return { ...patch, metadata: { ...metadata, annotations: { ...annotations, [lastAppliedAnnotation]: applied } } };
}

/** Somebody may have written nonsense into the annotation; then nothing is known about what was desired before. */
function parsePrevious(said: string | undefined): JsonObject {
  if (said === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(said);
    return isJsonObject(parsed) ? parsed : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function placed(
  owner: KubernetesObject,
  type: ResourceType,
  metadata: Partial<ObjectMeta> = {},
): Partial<ObjectMeta> & { readonly name: string } {
  const name = metadata.name ?? owner.metadata.name;
  const namespace = type.namespaced ? (metadata.namespace ?? owner.metadata.namespace) : undefined;
  if (type.namespaced && !namespace) {
    throw new TypeError(`${type.kind} ${name}: its owner has no namespace, so metadata.namespace must say one`);
  }
  return { ...metadata, name, ...(namespace && { namespace }) };
}

function requireOwned(
  owner: { readonly type: ResourceType; readonly object: KubernetesObject },
  type: ResourceType,
  live: KubernetesObject,
): void {
  if (isControlledBy(live, owner.object)) return;
  const other = controllerOf(live);
  const whose = other
    ? `belongs to ${other.kind} ${other.name}`
    : `does not belong to ${owner.type.kind} ${keyOf(owner.object)}`;
  throw new Error(`${type.kind} ${keyOf(live)} exists and ${whose}`);
}

/** As it would be on the wire: without members that are `undefined`. */
function toJson(value: object): JsonObject {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  return isJsonObject(parsed) ? parsed : {};
}
