import { deepEqual } from './deep-equal.ts';

/** What the conditions of all kinds have in common. */
export interface AnyCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

/** A condition to be set: its time may be left to `setCondition`. */
export type NewCondition<C extends AnyCondition> = AnyCondition & Omit<C, 'lastTransitionTime'>;

/** The condition of this type, if there is one. */
export function getCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((each) => each.type === type);
}

/** Whether there is a condition of this type, and its status is `True`. */
export function isConditionTrue(conditions: readonly AnyCondition[] | undefined, type: string): boolean {
  return getCondition(conditions, type)?.status === 'True';
}

/**
 * The list with this condition in it, in its old place if it had one. `lastTransitionTime` is kept while the status is
 * the same; the very same list comes back when nothing changed, so that `===` tells whether a write is needed.
 *
 * @param now RFC 3339; used when the status changes and the condition names no time of its own
 */
export function setCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  condition: NewCondition<NoInfer<C>>,
  now: string,
): readonly C[] {
  const list = conditions ?? [];
  const at = list.findIndex((each) => each.type === condition.type);
  const old = list[at];
  const kept = old?.status === condition.status ? old.lastTransitionTime : undefined;
  // The compiler cannot see that putting the omitted member back gives C again.
  const next = { ...condition, lastTransitionTime: kept ?? condition.lastTransitionTime ?? now } as C;
  if (!old) return [...list, next];
  return deepEqual(old, next) ? list : list.with(at, next);
}

/** The list without that condition; the very same list if it was not there. */
export function removeCondition<C extends AnyCondition>(
  conditions: readonly C[] | undefined,
  type: string,
): readonly C[] {
  const list = conditions ?? [];
  return list.some((each) => each.type === type) ? list.filter((each) => each.type !== type) : list;
}
