import type { Container, EphemeralContainer, Pod } from '@keelson/core';

type AnyContainer = Pick<Container | EphemeralContainer, 'name' | 'image'>;

/**
 * Whether an update could make a pod that was let in one that would not be: other images, other containers. What was
 * let in before a level was raised may go on living otherwise.
 */
export function isSignificantChange({ spec: next }: Pod, { spec: old }: Pod): boolean {
  return (
    differ(next.containers, old.containers) ||
    differ(next.initContainers, old.initContainers) ||
    differ(next.ephemeralContainers, old.ephemeralContainers)
  );
}

function differ(next: readonly AnyContainer[] = [], old: readonly AnyContainer[] = []): boolean {
  return next.length !== old.length || next.some(({ image }, at) => image !== old[at]?.image);
}
