import { createHash } from 'node:crypto';
import type { KubernetesObject, ObjectMeta, ResourceType } from '../api/index.ts';
import { apiVersionOf } from '../api/index.ts';
import type { Client, NewObject } from '../client/index.ts';
import {
  controllerOf,
  isControlledBy,
  isJsonObject,
  isStatusError,
  type JsonObject,
  keyOf,
  type ObjectRef,
  ownerReferenceTo,
} from '../machinery/index.ts';
import { covers } from './covers.ts';

/** A child as its operator wants it. Name and namespace are the owner's unless given. */
export type ChildObject<T extends KubernetesObject> = Omit<NewObject<T>, 'metadata'> & {
  readonly metadata?: Partial<ObjectMeta>;
};

/** A digest of what was applied last: after a restart nothing is sent for children that are as they should be. */
export const appliedAnnotation = 'keelson.dev/applied';

const mostRemembered = 10_000;

interface Applied {
  readonly digest: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly generation: number | undefined;
}

export interface ChildOwner {
  readonly type: ResourceType;
  readonly object: KubernetesObject;
  /** Put on the child beside its own. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the child is in another cluster, which knows nothing of the owner: instead of the reference to it. */
  readonly elsewhere?: {
    readonly cluster: string;
    readonly annotations: Readonly<Record<string, string>>;
    isMine(child: KubernetesObject): boolean;
  };
}

/**
 * Brings children to what is desired by server-side apply, with one request or none: fields that are no longer desired
 * go, those of others stay.
 */
export class ChildApplier {
  readonly #fieldManager: string;
  /** What the server made of the last request: it may write things otherwise, which is no difference to send again. */
  readonly #applied = new Map<string, Applied>();

  /** @param fieldManager in whose name fields are owned */
  constructor(fieldManager: string) {
    this.#fieldManager = fieldManager;
  }

  /**
   * @param live the child as it is known; `undefined` where there is none
   * @throws Error when an object of that name exists and belongs to somebody else, or the owner cannot own it from where it is
   */
  async apply<T extends KubernetesObject>(
    client: Client,
    owner: ChildOwner,
    type: ResourceType<T>,
    child: ChildObject<T>,
    known: T | undefined,
    signal: AbortSignal,
  ): Promise<T> {
    const ref = placeOf(owner.object, type, child.metadata);
    requireReach(owner, type, ref);
    const desired = desiredObject(owner, type, child, ref);
    const digest = digestOf(desired);
    // A cache says nothing about what nobody made yet, or somebody else.
    const live = known ?? (await find(client, type, ref, signal));
    if (live?.metadata.deletionTimestamp !== undefined) return live;
    const id = `${owner.elsewhere?.cluster ?? ''}:${type.group}/${type.kind}/${ref.namespace ?? ''}/${ref.name}`;
    if (live) {
      requireOwned(owner, type, live);
      if (isAsDesired(live, desired, digest, this.#applied.get(id))) return live;
    }
    const apply = annotated(desired, digest);
    const result = await client.patch(type, ref, { apply, fieldManager: this.#fieldManager, force: true }, { signal });
    this.#remember(id, digest, result);
    return result;
  }

  #remember(id: string, digest: string, { metadata }: KubernetesObject): void {
    const { uid, resourceVersion, generation } = metadata;
    this.#applied.delete(id);
    this.#applied.set(id, { digest, uid, resourceVersion, generation });
    if (this.#applied.size <= mostRemembered) return;
    const [oldest] = this.#applied.keys();
    if (oldest !== undefined) this.#applied.delete(oldest);
  }
}

/** Where a child of this owner is. @throws TypeError where nothing names its namespace */
export function placeOf(owner: KubernetesObject, type: ResourceType, metadata: Partial<ObjectMeta> = {}): ObjectRef {
  const name = metadata.name ?? owner.metadata.name;
  const namespace = type.namespaced ? (metadata.namespace ?? owner.metadata.namespace) : undefined;
  if (type.namespaced && !namespace) {
    throw new TypeError(`${type.kind} ${name}: its owner has no namespace, so metadata.namespace must say one`);
  }
  return { name, ...(namespace && { namespace }) };
}

/**
 * Owner references do not reach over namespaces: the garbage collector deletes a child in another one, as if its owner
 * had gone, and never a cluster-scoped one (kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents).
 */
function requireReach({ type: ownerType, object, elsewhere }: ChildOwner, type: ResourceType, ref: ObjectRef): void {
  const { namespace } = object.metadata;
  if (elsewhere || namespace === undefined || ref.namespace === namespace) return;
  const where = ref.namespace === undefined ? 'is cluster-scoped' : `is in the namespace ${ref.namespace}`;
  throw new TypeError(
    `${type.kind} ${ref.name} ${where}, and ${ownerType.kind} ${keyOf(object)} cannot own it from there: make it with context.client (declared in uses) and delete it in finalize, or let a cluster-scoped kind own it`,
  );
}

function desiredObject<T extends KubernetesObject>(
  owner: ChildOwner,
  type: ResourceType<T>,
  child: ChildObject<T>,
  ref: ObjectRef,
): JsonObject {
  const { elsewhere } = owner;
  const belongs = elsewhere
    ? { annotations: { ...child.metadata?.annotations, ...elsewhere.annotations } }
    : { ownerReferences: [ownerReferenceTo(owner.object, owner.type)] };
  const labels = owner.labels && { ...child.metadata?.labels, ...owner.labels };
  const metadata = { ...child.metadata, ...ref, ...(labels && { labels }), ...belongs };
  return toJson({ ...child, apiVersion: apiVersionOf(type), kind: type.kind, metadata });
}

/** Whether a request would change nothing. */
function isAsDesired(live: KubernetesObject, desired: JsonObject, digest: string, last: Applied | undefined): boolean {
  const { uid, resourceVersion, generation, annotations } = live.metadata;
  const remembered = last?.digest === digest && last.uid === uid ? last : undefined;
  if (remembered && remembered.resourceVersion === resourceVersion) return true;
  if (annotations?.[appliedAnnotation] !== digest) return false;
  const json = toJson(live);
  // Lists leave these two out of their items; they never differ.
  const { apiVersion: _, kind: __, metadata, ...content } = desired;
  if (!covers(json['metadata'], metadata)) return false;
  // The server counts the changes of everything but metadata and status.
  if (remembered && generation !== undefined && remembered.generation === generation) return true;
  return covers(json, content);
}

async function find<T extends KubernetesObject>(
  client: Client,
  type: ResourceType<T>,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get(type, ref, { signal });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function requireOwned(owner: ChildOwner, type: ResourceType, live: KubernetesObject): void {
  if (owner.elsewhere ? owner.elsewhere.isMine(live) : isControlledBy(live, owner.object)) return;
  const other = controllerOf(live);
  const whose = other
    ? `belongs to ${other.kind} ${other.name}`
    : `does not belong to ${owner.type.kind} ${keyOf(owner.object)}`;
  throw new Error(`${type.kind} ${keyOf(live)} exists and ${whose}`);
}

function digestOf(desired: JsonObject): string {
  return createHash('sha256').update(JSON.stringify(desired)).digest('base64url').slice(0, 16);
}

function annotated(desired: JsonObject, digest: string): JsonObject {
  const metadata = isJsonObject(desired['metadata']) ? desired['metadata'] : {};
  const annotations = isJsonObject(metadata['annotations']) ? metadata['annotations'] : {};
  return { ...desired, metadata: { ...metadata, annotations: { ...annotations, [appliedAnnotation]: digest } } };
}

/** As it would be on the wire: without members that are `undefined`. */
function toJson(value: object): JsonObject {
  const parsed: unknown = JSON.parse(JSON.stringify(value));
  return isJsonObject(parsed) ? parsed : {};
}
