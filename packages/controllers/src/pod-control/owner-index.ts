import type { Informer, KubernetesObject, Lister } from '@keelson/core';

const byController = 'controllerUid';
const orphans = 'orphansByNamespace';

function controllerUid(object: KubernetesObject): string | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true)?.uid;
}

const controllerIndex = (object: KubernetesObject): readonly string[] => {
  const uid = controllerUid(object);
  return uid === undefined ? [] : [uid];
};
const orphanIndex = (object: KubernetesObject): readonly string[] =>
  controllerUid(object) === undefined ? [object.metadata.namespace ?? ''] : [];

/** Files objects by their controller's uid, and those without one by namespace. */
export function addOwnerIndexes<T extends KubernetesObject>(informer: Informer<T>): void {
  informer.addIndex(byController, controllerIndex);
  informer.addIndex(orphans, orphanIndex);
}

export function controlledBy<T>(lister: Lister<T>, uid: string): readonly T[] {
  return lister.by(byController, uid);
}

export function orphansIn<T>(lister: Lister<T>, namespace: string): readonly T[] {
  return lister.by(orphans, namespace);
}
