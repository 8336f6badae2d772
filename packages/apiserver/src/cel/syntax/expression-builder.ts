import type { CallExpression, Expression, FieldEntry, MapEntry } from './expression.ts';
import type { ComprehensionParts, ExpressionFactory } from './macro.ts';
import type { CelIssue } from './source.ts';

/** The name of the accumulator of macros; no identifier of a text can be spelled so. */
export const hiddenAccumulator = '@result';

const none: ReadonlySet<number> = new Set();

/** Numbers and places the nodes of one text. */
export class ExpressionBuilder {
  readonly issues: CelIssue[];
  #last = 0;

  constructor(issues: CelIssue[]) {
    this.issues = issues;
  }

  node(offset: number): { readonly id: number; readonly offset: number } {
    this.#last += 1;
    return { id: this.#last, offset };
  }

  call(offset: number, name: string, args: readonly Expression[], target?: Expression): CallExpression {
    const { id } = this.node(offset);
    return target === undefined
      ? { kind: 'call', id, offset, function: name, args }
      : { kind: 'call', id, offset, function: name, args, target };
  }

  list(offset: number, elements: readonly Expression[], optional: ReadonlySet<number> = none): Expression {
    return { kind: 'list', ...this.node(offset), elements, optional };
  }

  map(offset: number, entries: readonly MapEntry[]): Expression {
    return { kind: 'map', ...this.node(offset), entries };
  }

  struct(offset: number, name: string, entries: readonly FieldEntry[]): Expression {
    return { kind: 'struct', ...this.node(offset), name, entries };
  }

  select(offset: number, operand: Expression, field: string, test = false): Expression {
    return { kind: 'select', ...this.node(offset), operand, field, test };
  }

  comprehension(offset: number, parts: ComprehensionParts): Expression {
    return { kind: 'comprehension', ...this.node(offset), accumulator: hiddenAccumulator, ...parts };
  }

  /** What a macro makes its nodes with: all of them stand where it was called. */
  at(offset: number): ExpressionFactory {
    return {
      literal: (value) => ({ kind: 'literal', ...this.node(offset), value }),
      identifier: (name) => ({ kind: 'identifier', ...this.node(offset), name }),
      select: (operand, field, test) => this.select(offset, operand, field, test),
      call: (name, args, target) => this.call(offset, name, args, target),
      list: (elements) => this.list(offset, elements),
      map: (entries) => this.map(offset, entries),
      entry: (key, value) => ({ ...this.node(offset), key, value, optional: false }),
      comprehension: (parts) => this.comprehension(offset, parts),
      error: (at, message) => {
        this.issues.push({ offset: at.offset, message });
        return at;
      },
    };
  }
}
