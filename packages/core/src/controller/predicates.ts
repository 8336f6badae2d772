import type { KubernetesObject } from '../api/index.ts';
import type { InformerEvent } from '../informer/index.ts';
import { deepEqual } from '../machinery/index.ts';

/** Whether an event concerns anybody. */
export type Predicate<T> = (object: T, event: InformerEvent<T>) => boolean;

/** Passes what comes and goes, and of updates those that the comparison finds. */
function onUpdate<T>(differs: (object: T, previous: T) => boolean): Predicate<T> {
  return (object, event) => event.type !== 'updated' || differs(object, event.previous);
}

/** Not for changes of status and metadata only; kinds without `metadata.generation` pass always. */
export const generationChanged: Predicate<KubernetesObject> = onUpdate(
  ({ metadata }, { metadata: before }) =>
    metadata.generation === undefined ||
    metadata.generation !== before.generation ||
    metadata.deletionTimestamp !== before.deletionTimestamp,
);

/** On updates: the object's labels are others. Creation and deletion pass. */
export const labelsChanged: Predicate<KubernetesObject> = onUpdate(
  ({ metadata }, { metadata: before }) => !deepEqual(metadata.labels ?? {}, before.labels ?? {}),
);

/** On updates: the object's annotations are others. Creation and deletion pass. */
export const annotationsChanged: Predicate<KubernetesObject> = onUpdate(
  ({ metadata }, { metadata: before }) => !deepEqual(metadata.annotations ?? {}, before.annotations ?? {}),
);

/** Passes what all of them pass. */
export function allOf<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (object, event) => predicates.every((each) => each(object, event));
}

/** Passes what one of them passes. */
export function anyOf<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (object, event) => predicates.some((each) => each(object, event));
}

/** Passes what the predicate does not. */
export function not<T>(predicate: Predicate<T>): Predicate<T> {
  return (object, event) => !predicate(object, event);
}
