import { type KubernetesObject, keyOf, type ObjectKey } from '@keelson/core';
import { type AnyType, typeId } from './discovered-types.ts';

/** Where a dependent is. */
export interface Dependent {
  readonly type: AnyType;
  readonly key: ObjectKey;
}

/** Who depends on whom, by the owner's uid. Objects without owners take no room here. */
export class Dependents {
  private readonly byOwner = new Map<string, Map<string, Dependent>>();

  set(type: AnyType, object: KubernetesObject, previous: KubernetesObject | undefined): void {
    const owners = object.metadata.ownerReferences;
    const before = previous?.metadata.ownerReferences;
    if (owners === before) return;
    const key = keyOf(object);
    for (const { uid } of before ?? []) if (!owners?.some((each) => each.uid === uid)) this.remove(uid, type, key);
    for (const { uid } of owners ?? []) {
      const known = this.byOwner.get(uid);
      if (known) known.set(`${typeId(type)} ${key}`, { type, key });
      else this.byOwner.set(uid, new Map([[`${typeId(type)} ${key}`, { type, key }]]));
    }
  }

  delete(type: AnyType, object: KubernetesObject): void {
    const key = keyOf(object);
    for (const { uid } of object.metadata.ownerReferences ?? []) this.remove(uid, type, key);
  }

  of(uid: string | undefined): readonly Dependent[] {
    return uid === undefined ? [] : [...(this.byOwner.get(uid)?.values() ?? [])];
  }

  private remove(uid: string, type: AnyType, key: ObjectKey): void {
    const known = this.byOwner.get(uid);
    known?.delete(`${typeId(type)} ${key}`);
    if (known?.size === 0) this.byOwner.delete(uid);
  }
}
