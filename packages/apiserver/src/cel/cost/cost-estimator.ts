import type { CallEstimate, CelOverload, CostEstimate, CostNode, SizeEstimate } from '../contract.ts';
import { added, bounded, multiplied, unbounded, unknownSize } from '../library/cost-rules.ts';
import { codePoints } from '../library/text.ts';
import { dynType } from '../standard-types.ts';
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  ListExpression,
  LiteralExpression,
  MapExpression,
  SelectExpression,
} from '../syntax/expression.ts';
import { hiddenAccumulator } from '../syntax/expression-builder.ts';
import type { CelType } from '../type.ts';
import type { CheckedExpression } from '../types/checker.ts';

/**
 * The size of a value by where it comes from, as its declaration tells: `['self', 'spec', 'names', '@items']`. Also
 * asked with paths that start at `@items`, of lists that stand in the expression itself.
 */
export type SizeByPath = (path: readonly string[]) => SizeEstimate | undefined;

/** The smallest and the greatest cost of an expression, by the rules of cel-go. */
export function estimateCost(checked: CheckedExpression, sizeByPath: SizeByPath = () => undefined): CostEstimate {
  return new CostEstimator(checked, sizeByPath).cost(checked.expression);
}

const fixed = (cost: number): CostEstimate => ({ min: cost, max: cost });
const free = fixed(0);
const one = fixed(1);

const union = (a: SizeEstimate, b: SizeEstimate): SizeEstimate => ({
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
});

/** Sizes of what a list or a map holds. */
interface EntrySize {
  readonly isList: boolean;
  readonly key: SizeEstimate;
  readonly value: SizeEstimate;
}

interface Variable {
  readonly path: readonly string[];
  readonly size: SizeEstimate | undefined;
  readonly entries: EntrySize | undefined;
}

const nothing: SizeEstimate = { min: unbounded, max: 0 };

class CostEstimator {
  readonly #types: ReadonlyMap<number, CelType>;
  readonly #references: CheckedExpression['references'];
  readonly #sizeByPath: SizeByPath;
  readonly #paths = new Map<number, readonly string[]>();
  readonly #sizes = new Map<number, SizeEstimate>();
  readonly #entries = new Map<number, EntrySize>();
  readonly #variables = new Map<string, Variable[]>();

  constructor({ types, references }: CheckedExpression, sizeByPath: SizeByPath) {
    this.#types = types;
    this.#references = references;
    this.#sizeByPath = sizeByPath;
  }

  cost(expression: Expression): CostEstimate {
    switch (expression.kind) {
      case 'literal':
        return free;
      case 'identifier':
        this.#paths.set(expression.id, this.#variable(expression.name)?.path ?? [expression.name]);
        return one;
      case 'select':
        return this.#select(expression);
      case 'call':
        return this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'struct':
        return expression.entries.reduce((sum, { value }) => added(sum, this.cost(value)), fixed(40));
      case 'comprehension':
        return isBind(expression) ? this.#bind(expression) : this.#comprehension(expression);
    }
  }

  #type(expression: Expression): CelType {
    return this.#types.get(expression.id) ?? dynType;
  }

  #variable(name: string): Variable | undefined {
    return this.#variables.get(name)?.at(-1);
  }

  #push(name: string, variable: Variable): void {
    const known = this.#variables.get(name);
    if (known) known.push(variable);
    else this.#variables.set(name, [variable]);
  }

  #pop(name: string): void {
    this.#variables.get(name)?.pop();
  }

  #path(expression: Expression): readonly string[] {
    if (expression.kind === 'identifier') {
      const variable = this.#variable(expression.name);
      if (variable) return variable.path;
    }
    return this.#paths.get(expression.id) ?? [];
  }

  #select(expression: SelectExpression): CostEstimate {
    if (this.#references.has(expression.id)) {
      this.#paths.set(expression.id, [expression.field]);
      return one;
    }
    const operand = this.cost(expression.operand);
    if (expression.test) return operand;
    this.#paths.set(expression.id, [...this.#path(expression.operand), expression.field]);
    const { kind } = this.#type(expression.operand);
    return kind === 'map' || kind === 'object' ? added(operand, one) : operand;
  }

  #list(expression: ListExpression): CostEstimate {
    let sum = fixed(10);
    let item: SizeEstimate = expression.elements.length === 0 ? { min: 0, max: 0 } : nothing;
    for (const each of expression.elements) {
      sum = added(sum, this.cost(each));
      item = union(item, this.#sizeOrUnknown(each));
    }
    this.#entries.set(expression.id, { isList: true, key: fixed(1), value: item });
    return sum;
  }

  #map(expression: MapExpression): CostEstimate {
    let sum = fixed(30);
    let key: SizeEstimate = expression.entries.length === 0 ? { min: 0, max: 0 } : nothing;
    let value = key;
    for (const entry of expression.entries) {
      sum = added(sum, added(this.cost(entry.key), this.cost(entry.value)));
      key = union(key, this.#sizeOrUnknown(entry.key));
      value = union(value, this.#sizeOrUnknown(entry.value));
    }
    this.#entries.set(expression.id, { isList: false, key, value });
    return sum;
  }

  #call(expression: CallExpression): CostEstimate {
    const { id, args, target } = expression;
    if (expression.function === 'dyn' && args[0]) return this.#dyn(expression, args[0]);
    const costs = args.map((each) => this.cost(each));
    const reference = this.#references.get(id);
    const isGlobal = reference?.kind === 'function' && reference.global;
    const own = target && !isGlobal ? this.cost(target) : free;
    const overloads = reference?.kind === 'function' ? reference.overloads : [];
    if (overloads.length === 0) return added(costs.reduce(added, own), one);
    const given = target && !isGlobal ? [target, ...args] : args;
    const nodes = given.map((each) => this.#node(each));
    let sum: CostEstimate = nothing;
    let size: SizeEstimate | undefined;
    for (const overload of overloads) {
      const estimate = this.#overload(expression, overload, nodes, costs);
      sum = union(sum, estimate.cost);
      if (estimate.resultSize) size = size ? union(size, estimate.resultSize) : estimate.resultSize;
      const step = steps[overload.id];
      if (step !== undefined && args[0]) {
        size = this.#entrySize(args[0])?.value;
        this.#paths.set(id, [...this.#path(args[0]), step]);
      }
      size ??= this.#size(expression);
    }
    if (size) this.#sizes.set(id, size);
    return added(own, sum);
  }

  #dyn(expression: CallExpression, of: Expression): CostEstimate {
    const cost = added(this.cost(of), one);
    this.#copySizes(expression, of);
    return cost;
  }

  #copySizes(to: Expression, from: Expression): void {
    const size = this.#size(from);
    if (size) this.#sizes.set(to.id, size);
    const entries = this.#entrySize(from);
    if (entries) this.#entries.set(to.id, entries);
  }

  #overload(
    expression: CallExpression,
    { id, estimate }: CelOverload,
    nodes: readonly CostNode[],
    costs: readonly CostEstimate[],
  ): CallEstimate {
    const args = costs.reduce(added, free);
    const [first = free, second = free, third = free] = costs;
    if (id === 'logical_and' || id === 'logical_or') {
      return { cost: { min: first.min, max: added(first, second).max } };
    }
    if (id === 'conditional') {
      const [, yes, no] = nodes;
      if (yes && no) this.#joinEntries(expression, yes.expression, no.expression);
      const resultSize = union(yes?.size ?? unknownSize, no?.size ?? unknownSize);
      return { cost: added(first, union(second, third)), resultSize };
    }
    const [left, right] = nodes;
    if (joins.has(id) && left && right) this.#joinEntries(expression, left.expression, right.expression);
    const own = estimate?.(nodes);
    return own ? { ...own, cost: added(own.cost, args) } : { cost: added(one, args) };
  }

  #joinEntries(to: Expression, a: Expression, b: Expression): void {
    const [left, right] = [this.#entrySize(a), this.#entrySize(b)];
    if (!left || !right) return;
    const entries = { isList: left.isList, key: union(left.key, right.key), value: union(left.value, right.value) };
    this.#entries.set(to.id, entries);
  }

  #node(expression: Expression): CostNode {
    const path = this.#path(expression);
    const isAccumulator = path[0] === hiddenAccumulator;
    const own = isAccumulator ? [] : path;
    return new Node(expression, this.#type(expression), own, this.#size(expression), this.#sizeByPath);
  }

  #sizeOrUnknown(expression: Expression): SizeEstimate {
    return this.#size(expression) ?? unknownSize;
  }

  #size(expression: Expression): SizeEstimate | undefined {
    const known = this.#sizes.get(expression.id) ?? sizeOfLiteral(expression);
    if (known) return known;
    const path = this.#path(expression);
    const declared = path.length === 0 ? undefined : this.#sizeByPath(path);
    if (declared) {
      this.#sizes.set(expression.id, declared);
      return declared;
    }
    if (isScalar(this.#type(expression))) return fixed(1);
    return expression.kind === 'identifier' ? this.#variable(expression.name)?.size : undefined;
  }

  #entrySize(expression: Expression): EntrySize | undefined {
    const known = this.#entries.get(expression.id);
    if (known) return known;
    return expression.kind === 'identifier' ? this.#variable(expression.name)?.entries : undefined;
  }

  #comprehension(expression: ComprehensionExpression): CostEstimate {
    const { range, init, iterator, secondIterator, accumulator } = expression;
    let sum = added(this.cost(range), this.cost(init));
    this.#push(accumulator, { path: this.#path(init), size: this.#size(init), entries: this.#entrySize(init) });
    this.#pushIterators(expression);
    const condition = this.cost(expression.condition);
    const step = this.cost(expression.step);
    this.#pop(iterator);
    if (secondIterator !== undefined) this.#pop(secondIterator);
    sum = added(sum, this.cost(expression.result));
    this.#pop(accumulator);
    const rounds = this.#sizeOrUnknown(range);
    sum = added(sum, multiplied(rounds, added(step, condition)));
    if (init.kind === 'literal') {
      const size = this.#size(init);
      if (size) this.#sizes.set(expression.id, size);
    } else if (init.kind === 'list' || init.kind === 'map') {
      this.#sizes.set(expression.id, rounds);
      const entries = this.#entrySize(expression.step);
      if (entries) this.#entries.set(expression.id, entries);
    }
    return sum;
  }

  #pushIterators({ range, iterator, secondIterator }: ComprehensionExpression): void {
    const entries = this.#entrySize(range);
    const path = this.#path(range);
    const isList = entries?.isList ?? this.#type(range).kind === 'list';
    const keys = [...path, isList ? '@indices' : '@keys'];
    const values = [...path, isList ? '@items' : '@values'];
    const value: Variable = { path: values, size: entries?.value, entries: undefined };
    const key: Variable = { path: keys, size: entries?.key, entries: undefined };
    if (secondIterator === undefined) this.#push(iterator, isList ? value : key);
    else {
      // cel-go writes both paths into one array, unless that one is full: keys are then taken to be as great as values.
      this.#push(iterator, isFull(path.length) ? key : { ...key, path: values });
      this.#push(secondIterator, value);
    }
  }

  #bind(expression: ComprehensionExpression): CostEstimate {
    const { range, init, accumulator, result } = expression;
    const before = added(this.cost(range), this.cost(init));
    this.#push(accumulator, { path: this.#path(init), size: this.#size(init), entries: this.#entrySize(init) });
    const sum = added(before, this.cost(result));
    this.#pop(accumulator);
    this.#copySizes(expression, result);
    return sum;
  }
}

class Node implements CostNode {
  readonly expression: Expression;
  readonly type: CelType;
  readonly path: readonly string[];
  readonly size: SizeEstimate | undefined;
  readonly #sizeByPath: SizeByPath;

  constructor(
    expression: Expression,
    type: CelType,
    path: readonly string[],
    size: SizeEstimate | undefined,
    sizeByPath: SizeByPath,
  ) {
    this.expression = expression;
    this.type = type;
    this.path = path;
    this.size = size;
    this.#sizeByPath = sizeByPath;
  }

  element(which: '@items' | '@keys' | '@values'): CostNode | undefined {
    const { parameters } = this.type;
    const type = which === '@values' ? parameters[1] : parameters[0];
    if (!type) return undefined;
    const path = this.path.length === 0 ? [] : [...this.path, which];
    const size = path.length === 0 ? undefined : this.#sizeByPath(path);
    return new Node(this.expression, type, path, size, this.#sizeByPath);
  }
}

/** What an index adds to a path. */
const steps: Readonly<Record<string, string>> = { index_list: '@items', index_map: '@values' };
const joins = new Set(['add_string', 'add_bytes', 'add_list']);

const scalars = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

function isScalar(type: CelType): boolean {
  if (type.kind === 'wrapper') return type.parameters[0] !== undefined && isScalar(type.parameters[0]);
  if (type.name === 'optional_type') return type.parameters[0] !== undefined && isScalar(type.parameters[0]);
  return scalars.has(type.kind);
}

function sizeOfLiteral(expression: Expression): SizeEstimate | undefined {
  if (expression.kind === 'list') return fixed(expression.elements.length);
  if (expression.kind === 'map') return fixed(expression.entries.length);
  return expression.kind === 'literal' ? fixed(bounded(lengthOf(expression))) : undefined;
}

function lengthOf({ value }: LiteralExpression): number {
  if (typeof value === 'string') return codePoints(value);
  return value instanceof Uint8Array ? value.length : 1;
}

/** An array that grew by one element after the other has room for twice as many whenever it is full. */
const isFull = (length: number): boolean => Number.isInteger(Math.log2(length)) || length === 0;

/** `optMap` and the like: a name for a value. */
const isBind = ({ range, condition, accumulator }: ComprehensionExpression): boolean =>
  range.kind === 'list' &&
  range.elements.length === 0 &&
  condition.kind === 'literal' &&
  condition.value === false &&
  accumulator !== hiddenAccumulator;
