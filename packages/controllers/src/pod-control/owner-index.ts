import {
  controllerOf,
  type Informer,
  type InformerEvent,
  type KubernetesObject,
  type LabelSelector,
  type Lister,
  semanticEqual,
} from '@keelson/core';

const byController = 'controllerUid';
const orphans = 'orphans';

const pair = (namespace: string | undefined, label: string, value: string) => `${namespace ?? ''}/${label}=${value}`;

const controllerIndex = (object: KubernetesObject): readonly string[] => {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
};

const orphanIndex = (object: KubernetesObject): readonly string[] => {
  if (controllerOf(object) !== undefined) return [];
  const { namespace, labels = {} } = object.metadata;
  return [namespace ?? '', ...Object.entries(labels).map(([label, value]) => pair(namespace, label, value))];
};

/** Files objects by their controller's uid, and those without one by namespace and by each label. */
export function addOwnerIndexes<T extends KubernetesObject>(informer: Informer<T>): void {
  informer.addIndex(byController, controllerIndex);
  informer.addIndex(orphans, orphanIndex);
}

export function controlledBy<T>(lister: Lister<T>, uid: string): readonly T[] {
  return lister.by(byController, uid);
}

/** Objects that nobody controls and that the selector may select; the whole selector is left to the caller. */
export function orphansFor<T>(lister: Lister<T>, namespace: string, selector: LabelSelector): readonly T[] {
  const [first] = Object.entries(selector.matchLabels ?? {});
  return lister.by(orphans, first === undefined ? namespace : pair(namespace, first[0], first[1]));
}

/** Whether an event may make an object fit for adoption: it is new, or its labels or owners changed. */
export function mayBecomeOwned<T extends KubernetesObject>(object: T, event: InformerEvent<T>): boolean {
  if (event.type === 'deleted' || controllerOf(object) !== undefined) return false;
  if (event.type === 'added') return true;
  const { labels, ownerReferences } = event.previous.metadata;
  return (
    !semanticEqual(labels, object.metadata.labels) || !semanticEqual(ownerReferences, object.metadata.ownerReferences)
  );
}
