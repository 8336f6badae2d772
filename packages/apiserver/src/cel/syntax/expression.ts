import type { CelUint } from '../value.ts';

interface Node {
  /** Unique within one parsed text. */
  readonly id: number;
  /** Where errors about it point: UTF-16 units from the start of the text. */
  readonly offset: number;
  /** The call of a macro that this came from. */
  readonly macro?: CallExpression;
}

export interface LiteralExpression extends Node {
  readonly kind: 'literal';
  readonly value: null | boolean | bigint | CelUint | number | string | Uint8Array;
}

export interface IdentifierExpression extends Node {
  readonly kind: 'identifier';
  /** A leading dot (a name from the root) is part of it. */
  readonly name: string;
}

export interface SelectExpression extends Node {
  readonly kind: 'select';
  readonly operand: Expression;
  readonly field: string;
  /** `has(operand.field)` */
  readonly test: boolean;
}

/** Operators are calls too, by the names that cel-spec gives them: `_+_`, `_&&_`, `_?_:_`, `_[_]`, `@in`, `!_`, `-_`. */
export interface CallExpression extends Node {
  readonly kind: 'call';
  readonly function: string;
  readonly target?: Expression;
  readonly args: readonly Expression[];
}

export interface ListExpression extends Node {
  readonly kind: 'list';
  readonly elements: readonly Expression[];
  /** Indexes of `?x` elements. */
  readonly optional: ReadonlySet<number>;
}

export interface MapEntry {
  readonly id: number;
  readonly offset: number;
  readonly key: Expression;
  readonly value: Expression;
  readonly optional: boolean;
}

export interface MapExpression extends Node {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}

export interface FieldEntry {
  readonly id: number;
  readonly offset: number;
  readonly field: string;
  readonly value: Expression;
  readonly optional: boolean;
}

export interface StructExpression extends Node {
  readonly kind: 'struct';
  readonly name: string;
  readonly entries: readonly FieldEntry[];
}

/** A fold: `accumulator = init; for (iterator of range) { if (!condition) break; accumulator = step }; result`. */
export interface ComprehensionExpression extends Node {
  readonly kind: 'comprehension';
  readonly range: Expression;
  readonly iterator: string;
  /** With it, `iterator` is the index or the key, and this the value. */
  readonly secondIterator?: string;
  readonly accumulator: string;
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}

export type Expression =
  | LiteralExpression
  | IdentifierExpression
  | SelectExpression
  | CallExpression
  | ListExpression
  | MapExpression
  | StructExpression
  | ComprehensionExpression;
