import type { PodInfo } from './model.ts';

/** Names one plugin's data in a cycle and carries its type. */
export interface StateKey<T> {
  readonly name: string;
  /** Copies the data before it is changed for a supposition (preemption); without it, the data is shared. */
  readonly clone?: (value: T) => T;
  /** Type only. */
  readonly __type?: T;
}

/**
 * A key under which a plugin keeps something in the `CycleState`; `clone` where copies of the state must not share it.
 */
export function stateKey<T>(name: string, clone?: (value: T) => T): StateKey<T> {
  return { name, clone };
}

/** What plugins keep between the moments of one pod's scheduling cycle. Never shared between pods. */
export class CycleState {
  /** The pod that is being scheduled. */
  readonly podInfo: PodInfo;
  /** Plugins that said `skip` in preFilter or preScore. */
  readonly skippedFilters = new Set<string>();
  readonly skippedScores = new Set<string>();
  private readonly values = new Map<StateKey<unknown>, unknown>();

  constructor(podInfo: PodInfo) {
    this.podInfo = podInfo;
  }

  write<T>(key: StateKey<T>, value: T): void {
    this.values.set(key as StateKey<unknown>, value);
  }

  read<T>(key: StateKey<T>): T | undefined {
    return this.values.get(key as StateKey<unknown>) as T | undefined;
  }

  clone(): CycleState {
    const copy = new CycleState(this.podInfo);
    for (const each of this.skippedFilters) copy.skippedFilters.add(each);
    for (const each of this.skippedScores) copy.skippedScores.add(each);
    for (const [key, value] of this.values) copy.values.set(key, key.clone ? key.clone(value) : value);
    return copy;
  }
}
