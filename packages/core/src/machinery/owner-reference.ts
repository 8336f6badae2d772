import {
  apiVersionOf,
  type KubernetesObject,
  type ObjectMeta,
  type OwnerReference,
  type ResourceType,
} from '../api/index.ts';

/** The reference that a controller puts on what it makes: it owns it alone, and its deletion waits for it. */
export function ownerReferenceTo(
  owner: KubernetesObject,
  type: Pick<ResourceType, 'group' | 'version' | 'kind'>,
): OwnerReference {
  const { name, uid } = owner.metadata;
  if (uid === undefined) throw new Error(`${type.kind} ${name} has no uid yet: only a stored object can be an owner`);
  return { apiVersion: apiVersionOf(type), kind: type.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The one owner that manages the object, if any. */
export function controllerOf(object: { readonly metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((each) => each.controller === true);
}

/** Whether this very owner (by uid, not by name) manages the object. */
export function isControlledBy(object: { readonly metadata: ObjectMeta }, owner: KubernetesObject): boolean {
  return owner.metadata.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid;
}

/** Whether this very owner is among the object's owners. */
export function isOwnedBy(object: { readonly metadata: ObjectMeta }, owner: KubernetesObject): boolean {
  const { uid } = owner.metadata;
  return uid !== undefined && (object.metadata.ownerReferences ?? []).some((each) => each.uid === uid);
}
