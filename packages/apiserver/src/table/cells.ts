import type { KubernetesObject, ResourceType } from '@keelson/core';

export type Cell = string | number | boolean | null;

/** A cell's `conditions` strike a row out in some clients: pods that have completed. */
export interface RowCondition {
  readonly type: 'Completed';
  readonly status: 'True';
  readonly reason: string;
  readonly message: string;
}

export interface Row {
  readonly cells: readonly Cell[];
  readonly conditions?: readonly RowCondition[];
}

/** Computes the cells of an object, in the order of its kind's columns. `now` in milliseconds since the epoch. */
export type CellsOf<T> = (object: T, now: number) => readonly Cell[];

/** The cells of one kind; `undefined` for an object of another. */
export interface KindCells {
  readonly key: string;
  cells(object: KubernetesObject, now: number): readonly Cell[] | undefined;
}

export function cellsFor<T extends KubernetesObject>(type: ResourceType<T>, cells: CellsOf<T>): KindCells {
  const is = (object: KubernetesObject): object is T => object.kind === type.kind;
  return {
    key: `${type.group}/${type.plural}`,
    cells: (object, now) => (is(object) ? cells(object, now) : undefined),
  };
}
