import { EntryMap } from '../library/entry-map.ts';
import { goRegexp, patternArguments } from '../library/go-regexp.ts';
import { conversionNames } from '../standard/conversions.ts';
import { isIn } from '../standard/operators.ts';
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  IdentifierExpression,
  ListExpression,
  MapExpression,
  SelectExpression,
  StructExpression,
} from '../syntax/expression.ts';
import { hiddenAccumulator } from '../syntax/expression-builder.ts';
import type { CheckedExpression, Reference } from '../types/checker.ts';
import { CelArray, CelError, CelList, type CelMap, CelOptional, type CelValue } from '../value.ts';
import { binaryCall, functionCall, unaryCall } from './calls.ts';
import { bind, type FoldSlots, fold, gather } from './folds.ts';
import { Frame, type Run } from './frame.ts';
import { conditional, logical, notStrictlyFalse, orElse } from './logic.ts';
import { get, getOptional, has } from './lookup.ts';

/**
 * A compiled node. Paths (`a.b[c]`) cost 1 for where they start and 1 for each step; as a branch of a conditional or as
 * an index they do not cost the start, which is what `branch` is for. Constants are known before evaluation and free.
 */
interface Node {
  readonly run: Run;
  readonly branch?: Run;
  readonly constant?: CelValue;
}

export interface CompiledExpression {
  readonly run: Run;
  readonly slots: number;
}

/**
 * A checked expression as closures. Throws a CelError where a constant part of it cannot be evaluated, such as
 * `int('a')`: the real server refuses such programs before they run.
 */
export function compileExpression(checked: CheckedExpression): CompiledExpression {
  const compiler = new Compiler(checked);
  const { run } = compiler.node(checked.expression);
  return { run, slots: compiler.slots };
}

interface Local {
  readonly name: string;
  readonly slot: number;
  /** Of an accumulator whose start is computed when it is first asked for. */
  readonly init?: Run;
}

const constant = (value: CelValue): Node => ({ run: () => value, constant: value });

class Compiler {
  slots = 0;
  readonly #references: ReadonlyMap<number, Reference>;
  readonly #locals: Local[] = [];

  constructor({ references }: CheckedExpression) {
    this.#references = references;
  }

  node(expression: Expression): Node {
    switch (expression.kind) {
      case 'literal':
        return constant(expression.value);
      case 'identifier':
        return this.#identifier(expression);
      case 'select':
        return this.#select(expression);
      case 'call':
        return this.#call(expression);
      case 'list':
        return this.#list(expression);
      case 'map':
        return this.#map(expression);
      case 'struct':
        return this.#struct(expression);
      case 'comprehension':
        return this.#comprehension(expression);
    }
  }

  #run(expression: Expression): Run {
    return this.node(expression).run;
  }

  #identifier({ id, name }: IdentifierExpression): Node {
    const reference = this.#references.get(id);
    if (reference?.kind === 'constant') return constant(reference.value);
    return this.#variable(reference?.kind === 'variable' ? reference.name : name);
  }

  #variable(name: string): Node {
    const local = this.#locals.findLast((each) => each.name === name);
    const branch = local ? localRun(local) : globalRun(name);
    return rooted(branch);
  }

  #select(expression: SelectExpression): Node {
    const reference = this.#references.get(expression.id);
    if (reference?.kind === 'constant') return constant(reference.value);
    if (reference?.kind === 'variable') return this.#variable(reference.name);
    const operand = this.node(expression.operand);
    const { field, test } = expression;
    if (test) return tested(operand, field);
    return step(operand, (run) => (frame) => {
      const value = run(frame);
      if (value instanceof CelOptional) return lookedUp(frame, getOptional(value, field));
      frame.cost += 1;
      return get(value, field);
    });
  }

  #call(expression: CallExpression): Node {
    const { function: name, target, args } = expression;
    const [first, second, third] = args;
    if (name === '_&&_' || name === '_||_') {
      return { run: logical(this.#run(present(first)), this.#run(present(second)), name === '_||_') };
    }
    if (name === '_?_:_') return this.#conditional(present(first), present(second), present(third));
    if (name === '@not_strictly_false') return { run: notStrictlyFalse(this.#run(present(first))) };
    if (name === '_[_]' || name === '_[?_]' || name === '_?._') {
      return this.#index(present(first), present(second), name !== '_[_]');
    }
    if (target && (name === 'or' || name === 'orValue') && this.#isOptional(expression)) {
      return { run: orElse(this.#run(target), this.#run(present(first)), name === 'orValue') };
    }
    return this.#function(expression);
  }

  #isOptional({ id }: CallExpression): boolean {
    const reference = this.#references.get(id);
    return reference?.kind === 'function' && reference.overloads.some((each) => each.id.startsWith('optional_or'));
  }

  #conditional(condition: Expression, yes: Expression, no: Expression): Node {
    const [a, b] = [this.node(yes), this.node(no)];
    const run = conditional(this.#run(condition), a.branch ?? a.run, b.branch ?? b.run);
    return { run, branch: run };
  }

  #index(operand: Expression, key: Expression, optional: boolean): Node {
    const by = this.node(key);
    const read = by.branch ?? by.run;
    const from = this.node(operand);
    if (optional) {
      return step(from, (run) => (frame) => lookedUp(frame, getOptional(run(frame), read(frame))));
    }
    return step(from, (run) => (frame) => {
      const value = run(frame);
      if (value instanceof CelOptional) return lookedUp(frame, getOptional(value, read(frame)));
      frame.cost += 1;
      return get(value, read(frame));
    });
  }

  #function(expression: CallExpression): Node {
    const reference = this.#references.get(expression.id);
    if (reference?.kind !== 'function') throw new CelError(`no such overload: ${expression.function}`);
    const { target, args } = expression;
    const nodes = (target && !reference.global ? [target, ...args] : args).map((each) => this.node(each));
    const [first, second] = nodes;
    const { name, overloads } = reference;
    const pattern = nodes[patternArguments[name] ?? nodes.length]?.constant;
    if (typeof pattern === 'string') checkPattern(pattern);
    if (name === '@in' && overloads.length === 1 && overloads[0]?.id === 'in_list' && first && second) {
      const found = membership(first.run, second.constant);
      if (found) return found;
    }
    const runs = nodes.map((each) => each.run);
    const run =
      (runs[0] && runs[1] && binaryCall(name, overloads, runs[0], runs[1])) ??
      (runs[0] && unaryCall(name, runs[0])) ??
      functionCall(name, overloads, runs);
    return first?.constant !== undefined && nodes.length === 1 && conversionNames.has(name) ? folded(run) : { run };
  }

  #list({ elements, optional }: ListExpression): Node {
    const nodes = elements.map((each) => this.node(each));
    const constants = nodes.flatMap(({ constant: value }) => (value === undefined ? [] : [value]));
    if (constants.length === nodes.length && optional.size === 0) return constant(new CelArray(constants));
    const runs = nodes.map((each) => each.run);
    if (optional.size === 0) {
      return {
        run: (frame) => {
          const items: CelValue[] = [];
          for (const each of runs) items.push(each(frame));
          frame.cost += listCost;
          return new CelArray(items);
        },
      };
    }
    return {
      run: (frame) => {
        const items: CelValue[] = [];
        runs.forEach((each, index) => {
          const value = each(frame);
          const given = optional.has(index) ? unwrapped(value) : value;
          if (given !== undefined) items.push(given);
        });
        frame.cost += listCost;
        return new CelArray(items);
      },
    };
  }

  #map({ entries }: MapExpression): Node {
    const nodes = entries.map(({ key, value, optional }) => ({
      key: this.node(key),
      value: this.node(value),
      optional,
    }));
    const build = (frame: Frame): CelMap => {
      const made: [CelValue, CelValue][] = [];
      for (const { key, value, optional } of nodes) {
        const name = key.run(frame);
        const own = value.run(frame);
        const given = optional ? unwrapped(own) : own;
        if (given !== undefined) made.push([name, given]);
      }
      frame.cost += mapCost;
      return mapOf(made);
    };
    const isConstant = nodes.every(
      ({ key, value, optional }) => key.constant !== undefined && value.constant !== undefined && !optional,
    );
    return isConstant ? folded(build) : { run: build };
  }

  #struct({ id, entries }: StructExpression): Node {
    const reference = this.#references.get(id);
    if (reference?.kind !== 'struct') throw new CelError('unknown type');
    const { struct } = reference;
    const fields = entries.map(({ field, value, optional }) => ({ field, run: this.#run(value), optional }));
    return {
      run: (frame) => {
        const values = new Map<string, CelValue>();
        for (const { field, run, optional } of fields) {
          const own = run(frame);
          const given = optional ? unwrapped(own) : own;
          if (given !== undefined) values.set(field, given);
        }
        frame.cost += structCost;
        return struct.create(values);
      },
    };
  }

  #comprehension(expression: ComprehensionExpression): Node {
    const range = this.#run(expression.range);
    const init = this.node(expression.init);
    const slot = this.#slot();
    const isBind = expression.accumulator !== hiddenAccumulator;
    const accumulator: Local = isBind
      ? { name: expression.accumulator, slot, init: init.run }
      : { name: expression.accumulator, slot };
    this.#locals.push(accumulator);
    if (isBind) {
      const result = this.#run(expression.result);
      this.#locals.pop();
      return { run: bind(slot, result) };
    }
    const first = this.#push(expression.iterator);
    const second = expression.secondIterator === undefined ? undefined : this.#push(expression.secondIterator);
    const slots: FoldSlots = { first, second, accumulator: slot };
    const run = this.#gathering(expression, range, slots) ?? this.#fold(expression, range, init.run, slots);
    this.#locals.pop();
    return { run };
  }

  #slot(): number {
    const slot = this.slots;
    this.slots += 1;
    return slot;
  }

  #push(name: string): number {
    const slot = this.#slot();
    this.#locals.push({ name, slot });
    return slot;
  }

  #popVariables(slots: FoldSlots): void {
    this.#locals.length -= slots.second === undefined ? 1 : 2;
  }

  #fold({ condition, step: each, result }: ComprehensionExpression, range: Run, init: Run, slots: FoldSlots): Run {
    const until = this.node(condition);
    const advance = this.#run(each);
    this.#popVariables(slots);
    const parts = { init, condition: until.constant === true ? undefined : until.run, step: advance };
    return fold(range, slots, { ...parts, result: this.#run(result) });
  }

  /** The fold of `map` and `filter`, where it is one. */
  #gathering(expression: ComprehensionExpression, range: Run, slots: FoldSlots): Run | undefined {
    const { init, condition, step: each, result } = expression;
    if (init.kind !== 'list' || init.elements.length > 0) return undefined;
    if (condition.kind !== 'literal' || condition.value !== true || !isAccumulator(result)) return undefined;
    const filter =
      each.kind === 'call' && each.function === '_?_:_' && isAccumulator(each.args[2]) ? each.args[0] : undefined;
    const element = appended(filter && each.kind === 'call' ? each.args[1] : each);
    if (!element) return undefined;
    const run = gather(range, slots, this.node(element), filter && this.#run(filter));
    this.#popVariables(slots);
    return run;
  }
}

const listCost = 10;
const mapCost = 30;
const structCost = 40;

/** A path that starts here: where it starts costs 1, but not as a branch. */
function rooted(branch: Run): Node {
  return {
    branch,
    run: (frame) => {
      frame.cost += 1;
      return branch(frame);
    },
  };
}

/** One step of a path; what is no path yet starts one. */
function step(operand: Node, make: (run: Run) => Run): Node {
  if (!operand.branch) return rooted(make(operand.run));
  const branch = make(operand.branch);
  return operand.branch === operand.run ? { run: branch, branch } : { run: make(operand.run), branch };
}

/** A step of a path after an optional costs nothing where it leads nowhere. */
function lookedUp(frame: Frame, found: CelOptional): CelOptional {
  if (found.value !== undefined) frame.cost += 1;
  return found;
}

function tested(operand: Node, field: string): Node {
  const test =
    (run: Run): Run =>
    (frame) =>
      has(run(frame), field);
  const { run } = operand.branch ? { run: test(operand.run) } : rooted(test(operand.run));
  return { run };
}

function globalRun(name: string): Run {
  return ({ activation }) => {
    const value = activation[name];
    if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
    return value;
  };
}

function localRun({ slot, init }: Local): Run {
  return (frame) => {
    let value = frame.locals[slot];
    if (value === undefined && init) {
      value = init(frame);
      frame.locals[slot] = value;
    }
    if (value instanceof CelError) throw value;
    return value ?? null;
  };
}

/** A constant, evaluated at once. */
function folded(run: Run): Node {
  return constant(run(new Frame({}, 0, Number.POSITIVE_INFINITY, undefined)));
}

function checkPattern(pattern: string): void {
  const read = goRegexp(pattern);
  if ('problem' in read) throw new CelError(read.problem);
}

/** `x in [1, 2]` of constants, which costs nothing. */
function membership(operand: Run, list: CelValue | undefined): Node | undefined {
  if (!(list instanceof CelList)) return undefined;
  const items = [...list];
  if (items.length === 0) return constant(false);
  if (items.some((each) => each === null || (typeof each === 'object' && !('value' in each)))) return undefined;
  const texts = new Set(items.filter((each) => typeof each === 'string'));
  const onlyTexts = items.every((each) => typeof each === 'string');
  return {
    run: (frame) => {
      const value = operand(frame);
      if (typeof value === 'string') return texts.has(value);
      return !onlyTexts && isIn(value, list);
    },
  };
}

/** A map of entries; of equal keys the last one counts. */
function mapOf(entries: readonly (readonly [CelValue, CelValue])[]): CelMap {
  const map = EntryMap.of(entries);
  return map.size === entries.length ? map : EntryMap.of([...entries].reverse());
}

/** The value of `?x`; undefined where it is left out. */
function unwrapped(value: CelValue): CelValue | undefined {
  if (value instanceof CelOptional) return value.value;
  throw new CelError('no such overload');
}

const isAccumulator = (expression: Expression | undefined): boolean =>
  expression?.kind === 'identifier' && expression.name === hiddenAccumulator;

/** `e` of `accumulator + [e]`. */
function appended(expression: Expression | undefined): Expression | undefined {
  if (expression?.kind !== 'call' || expression.function !== '_+_' || !isAccumulator(expression.args[0]))
    return undefined;
  const list = expression.args[1];
  return list?.kind === 'list' && list.elements.length === 1 && list.optional.size === 0 ? list.elements[0] : undefined;
}

function present(expression: Expression | undefined): Expression {
  if (!expression) throw new CelError('no such overload');
  return expression;
}
