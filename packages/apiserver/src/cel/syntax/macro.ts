import type { Expression, MapEntry } from './expression.ts';

/** Makes the nodes of an expansion; all of them point to where the macro was called. */
export interface ExpressionFactory {
  literal(value: null | boolean | bigint | string): Expression;
  identifier(name: string): Expression;
  select(operand: Expression, field: string, test?: boolean): Expression;
  call(name: string, args: readonly Expression[], target?: Expression): Expression;
  list(elements: readonly Expression[]): Expression;
  map(entries: readonly MapEntry[]): Expression;
  entry(key: Expression, value: Expression): MapEntry;
  comprehension(parts: ComprehensionParts): Expression;
  /** Tells of a mistake in an argument; the expansion goes on with what it returns. */
  error(at: Expression, message: string): Expression;
}

export interface ComprehensionParts {
  readonly range: Expression;
  readonly iterator: string;
  readonly secondIterator?: string;
  /** Without it the hidden `@result`. */
  readonly accumulator?: string;
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}

export interface Macro {
  readonly name: string;
  /** Called as `x.name(…)`. */
  readonly member: boolean;
  readonly argCount: number;
  /** The expansion, or undefined where it is an ordinary call after all. */
  expand(factory: ExpressionFactory, args: readonly Expression[], target: Expression): Expression | undefined;
}
