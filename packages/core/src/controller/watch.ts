// As in the informer: the whole of rxjs would be most of the time it takes to import the SDK.
import { Observable } from 'rxjs/internal/Observable';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Informer, InformerEvent } from '../informer/index.ts';
import { keyOf, type ObjectKey, objectKey } from '../machinery/index.ts';
import type { Watch } from './contract.ts';

/** Says which keys an informer's events concern. Each end (`self`, `owner`, `map`) is a `Watch`. */
export interface WatchBuilder<T extends KubernetesObject> {
  /** Only events that the predicate accepts. */
  filter(predicate: (object: T, event: InformerEvent<T>) => boolean): WatchBuilder<T>;
  /** The object's own key. */
  self(): Watch;
  /** The key of the object's controller, where that is of this type; on a change of controller both keys. */
  owner(type: ResourceType): Watch;
  /** Any keys; asked for the previous state as well, so that whoever was concerned before learns of the change. */
  map(keys: (object: T, event: InformerEvent<T>) => readonly ObjectKey[]): Watch;
}

/**
 * @example
 * watches = [watch(deployments).self(), watch(replicaSets).owner(Deployment)];
 */
export function watch<T extends KubernetesObject>(informer: Informer<T>): WatchBuilder<T> {
  return build(informer, []);
}

type Predicate<T> = (object: T, event: InformerEvent<T>) => boolean;

function build<T extends KubernetesObject>(
  informer: Informer<T>,
  predicates: readonly Predicate<T>[],
): WatchBuilder<T> {
  const to = (keys: (event: InformerEvent<T>) => readonly ObjectKey[]): Watch => ({
    informer,
    keys$: keysOf(informer, (event) =>
      predicates.every((accepts) => accepts(event.object, event)) ? keys(event) : [],
    ),
  });
  return {
    filter: (predicate) => build(informer, [...predicates, predicate]),
    self: () => to((event) => [event.key]),
    owner: (type) => to((event) => ofBoth(event, (object) => ownerKeys(object, type))),
    map: (keys) => to((event) => ofBoth(event, (object) => keys(object, event))),
  };
}

/** What the lister holds already, then every event. */
function keysOf<T extends KubernetesObject>(
  informer: Informer<T>,
  keys: (event: InformerEvent<T>) => readonly ObjectKey[],
): Observable<ObjectKey> {
  return new Observable((subscriber) => {
    const pass = (event: InformerEvent<T>) => {
      try {
        for (const key of keys(event)) subscriber.next(key);
      } catch (error) {
        subscriber.error(error);
      }
    };
    for (const object of informer.lister.list()) {
      if (subscriber.closed) return undefined;
      pass({ type: 'added', key: keyOf(object), object });
    }
    return informer.events$.subscribe({ next: pass, complete: () => subscriber.complete() });
  });
}

function ofBoth<T>(event: InformerEvent<T>, keys: (object: T) => readonly ObjectKey[]): readonly ObjectKey[] {
  if (event.type !== 'updated') return keys(event.object);
  const before = keys(event.previous);
  const after = keys(event.object);
  return before.length === 0 ? after : [...new Set([...after, ...before])];
}

function ownerKeys(object: KubernetesObject, type: ResourceType): readonly ObjectKey[] {
  const owner = object.metadata.ownerReferences?.find((each) => each.controller === true);
  if (!owner || owner.kind !== type.kind || groupOf(owner.apiVersion) !== type.group) return [];
  return [objectKey({ name: owner.name, ...(type.namespaced && { namespace: object.metadata.namespace }) })];
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
