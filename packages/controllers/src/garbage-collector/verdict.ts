import { type KubernetesObject, type OwnerReference, wellKnown } from '@keelson/core';

/** What became of an owner: there and staying, gone, or there only until its dependents are gone. */
export type OwnerState = 'solid' | 'absent' | 'waiting';

export type Verdict =
  | { readonly do: 'keep' }
  /** Some owners are left: forget the others. */
  | { readonly do: 'release'; readonly uids: readonly string[] }
  | { readonly do: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan' };

export function hasFinalizer(object: KubernetesObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** Whether the object is being deleted, but only after its dependents. */
export function waitsForDependents(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && hasFinalizer(object, wellKnown.foregroundDeletionFinalizer);
}

/**
 * What is to be done with an object that has owners
 * (kubernetes.io/docs/concepts/architecture/garbage-collection): it lives while one of its owners does.
 */
export function verdict(
  object: KubernetesObject,
  owners: readonly { readonly reference: OwnerReference; readonly state: OwnerState }[],
  hasDependents: boolean,
): Verdict {
  if (owners.length === 0) return { do: 'keep' };
  const gone = owners.filter((each) => each.state !== 'solid');
  if (gone.length === 0) return { do: 'keep' };
  if (gone.length < owners.length) return { do: 'release', uids: gone.map((each) => each.reference.uid) };
  if (hasDependents && owners.some((each) => each.state === 'waiting')) {
    return { do: 'delete', propagationPolicy: 'Foreground' };
  }
  if (hasFinalizer(object, wellKnown.orphanFinalizer)) return { do: 'delete', propagationPolicy: 'Orphan' };
  if (hasFinalizer(object, wellKnown.foregroundDeletionFinalizer))
    return { do: 'delete', propagationPolicy: 'Foreground' };
  return { do: 'delete', propagationPolicy: 'Background' };
}
