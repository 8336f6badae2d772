import type { Observable } from 'rxjs';
// As in the informer: the whole of rxjs would be most of the time it takes to import the SDK.
import { Observable as ObservableClass } from 'rxjs/internal/Observable';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Informer, InformerEvent } from '../informer/index.ts';
import { keyOf, type ObjectKey, objectKey } from '../machinery/index.ts';
import type { Priority } from '../workqueue/index.ts';
import type { Trigger, Watch } from './contract.ts';
import type { Predicate } from './predicates.ts';

/** Says which keys an informer's events concern. Each end (`self`, `owner`, `map`, `referencedBy`) is a `Watch`. */
export interface WatchBuilder<T extends KubernetesObject> {
  /** Only events that the predicate accepts. */
  filter(predicate: Predicate<T>): WatchBuilder<T>;
  /** How urgent an event's keys are; `undefined` where it is as usual. */
  priority(priorityOf: (object: T, event: InformerEvent<T>) => Priority | undefined): WatchBuilder<T>;
  /** The object's own key. */
  self(): Watch;
  /** The key of the object's controller, where that is of this type; on a change of controller both keys. */
  owner(type: ResourceType): Watch;
  /** Any keys; asked for the previous state as well, so that whoever was concerned before learns of the change. */
  map(keys: (object: T, event: InformerEvent<T>) => readonly ObjectKey[]): Watch;
  /**
   * The keys of those objects that refer to the object, found in an index over them that is declared here and kept by
   * their informer: no list is searched.
   */
  referencedBy<P extends KubernetesObject>(
    referrers: Informer<P>,
    references: (referrer: P) => readonly ObjectKey[],
  ): Watch;
}

/**
 * @example
 * watches = [
 *   watch(deployments).self(),
 *   watch(replicaSets).owner(Deployment),
 *   watch(secrets).referencedBy(deployments, secretKeysOf),
 * ];
 */
export function watch<T extends KubernetesObject>(informer: Informer<T>): WatchBuilder<T> {
  return build({ informer, predicates: [], priorityOf: undefined });
}

/** A watch by keys that come from somewhere else, such as a timer; the informer is the one that is read for them. */
export function watchKeys(informer: Informer, name: string, keys$: Observable<ObjectKey>): Watch {
  const triggers$ = new ObservableClass<Trigger>((subscriber) =>
    keys$.subscribe({
      next: (key) => subscriber.next({ key }),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  );
  return { informer, name, triggers$ };
}

interface Parts<T extends KubernetesObject> {
  readonly informer: Informer<T>;
  readonly predicates: readonly Predicate<T>[];
  readonly priorityOf: ((object: T, event: InformerEvent<T>) => Priority | undefined) | undefined;
}

type KeysOf<T> = (event: InformerEvent<T>) => readonly ObjectKey[];

function build<T extends KubernetesObject>(parts: Parts<T>): WatchBuilder<T> {
  const { informer, predicates } = parts;
  const { kind } = informer.type;
  const to = (how: string, keys: KeysOf<T>): Watch => ({
    informer,
    name: how === '' ? kind : `${kind} → ${how}`,
    triggers$: triggersOf(parts, keys),
  });
  return {
    filter: (predicate) => build({ ...parts, predicates: [...predicates, predicate] }),
    priority: (priorityOf) => build({ ...parts, priorityOf }),
    self: () => to('', (event) => [event.key]),
    owner: (type) => to(`its ${type.kind}`, (event) => ofBoth(event, (object) => ownerKeys(object, type))),
    map: (keys) => to(keys.name || 'mapped', (event) => ofBoth(event, (object) => keys(object, event))),
    referencedBy: (referrers, references) => {
      const index = indexNamed(references, informer.type);
      referrers.addIndex(index, references);
      return to(`every ${referrers.type.kind} that refers to it`, ({ key }) =>
        referrers.lister.by(index, key).map(keyOf),
      );
    },
  };
}

let indexes = 0;
const indexNames = new WeakMap<object, string>();

/** One name for one function, so that the same watch made twice declares one index. */
function indexNamed(references: object, type: ResourceType): string {
  let name = indexNames.get(references);
  if (name === undefined) {
    indexes += 1;
    name = `references to ${type.plural} (${indexes})`;
    indexNames.set(references, name);
  }
  return name;
}

/** What the lister holds already, then every event. */
function triggersOf<T extends KubernetesObject>(
  { informer, predicates, priorityOf }: Parts<T>,
  keys: KeysOf<T>,
): Observable<Trigger> {
  return new ObservableClass((subscriber) => {
    const pass = (event: InformerEvent<T>) => {
      try {
        for (const each of predicates) if (!each(event.object, event)) return;
        const priority = priorityOf?.(event.object, event);
        for (const key of keys(event)) subscriber.next({ key, event, ...(priority && { priority }) });
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
