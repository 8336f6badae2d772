import {
  apiVersionOf,
  type Client,
  controllerOf,
  isStatusError,
  type KubernetesObject,
  type LabelSelector,
  labelSelectorMatches,
  ownerReferenceTo,
  type ResourceType,
} from '@keelson/core';

export interface Ownership<T> {
  /** Controlled by the owner and selected: nothing to do. */
  readonly owned: readonly T[];
  /** Selected, without a controller: to be adopted. */
  readonly adopt: readonly T[];
  /** Controlled by the owner but no longer selected: to be let go. */
  readonly release: readonly T[];
}

/**
 * Sorts candidates by what the owner's selector says about them. An owner that is being deleted neither adopts nor
 * releases; what is being deleted itself is not adopted.
 */
export function decideOwnership<T extends KubernetesObject>(
  owner: KubernetesObject,
  selector: LabelSelector,
  candidates: readonly T[],
): Ownership<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    const selected = labelSelectorMatches(selector, candidate.metadata.labels ?? {});
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (selected) owned.push(candidate);
      else if (!leaving) release.push(candidate);
    } else if (selected && !leaving && candidate.metadata.deletionTimestamp === undefined) adopt.push(candidate);
  }
  return { owned, adopt, release };
}

export interface ClaimOptions<T extends KubernetesObject> {
  readonly client: Client;
  readonly ownerType: ResourceType;
  readonly owner: KubernetesObject;
  readonly type: ResourceType<T>;
  readonly selector: LabelSelector;
  readonly candidates: readonly T[];
  /** Finalizers that an adopted object gets along with its owner. */
  readonly finalizers?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Adopts and releases by patch, and resolves to what the owner controls afterwards. Before the first adoption the owner
 * is read from the API: a cache that missed its deletion must not give it new children (kubernetes/community,
 * controller-ref).
 */
export async function claim<T extends KubernetesObject>(options: ClaimOptions<T>): Promise<readonly T[]> {
  const { client, owner, ownerType, type, selector, candidates, signal } = options;
  const { owned, adopt, release } = decideOwnership(owner, selector, candidates);
  if (adopt.length === 0 && release.length === 0) return owned;
  const claimed = [...owned];
  if (adopt.length > 0) {
    const fresh = await client.get(ownerType, owner.metadata, { signal });
    if (fresh.metadata.uid !== owner.metadata.uid || fresh.metadata.deletionTimestamp !== undefined) return owned;
  }
  for (const orphan of adopt) {
    const adopted = await ignoreGone(() =>
      client.patch(
        type,
        orphan.metadata,
        {
          strategic: {
            metadata: {
              uid: orphan.metadata.uid,
              ownerReferences: [ownerReferenceTo(owner, ownerType)],
              ...(options.finalizers && { finalizers: options.finalizers }),
            },
          },
        },
        { signal },
      ),
    );
    if (adopted !== undefined) claimed.push(adopted);
  }
  for (const child of release) {
    await ignoreGone(() =>
      client.patch(
        type,
        child.metadata,
        {
          strategic: {
            metadata: {
              uid: child.metadata.uid,
              ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
              ...(options.finalizers && { '$deleteFromPrimitiveList/finalizers': options.finalizers }),
            },
          },
        },
        { signal },
      ),
    );
  }
  return claimed;
}

/** The uid in a patch makes it fail as `Invalid` or `Conflict` when the name meanwhile stands for another object. */
async function ignoreGone<T>(patch: () => Promise<T>): Promise<T | undefined> {
  try {
    return await patch();
  } catch (error) {
    if (isStatusError(error, 'NotFound', 'Invalid')) return undefined;
    throw error;
  }
}

/** The key of an object's controller of this kind, in the object's own namespace. */
export function controllerKey(type: ResourceType, object: KubernetesObject): string | undefined {
  const controller = controllerOf(object);
  if (controller === undefined || controller.kind !== type.kind) return undefined;
  if (controller.apiVersion.split('/')[0] !== apiVersionOf(type).split('/')[0]) return undefined;
  return object.metadata.namespace === undefined ? controller.name : `${object.metadata.namespace}/${controller.name}`;
}
