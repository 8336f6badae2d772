import type { Expression, IdentifierExpression } from './expression.ts';
import { hiddenAccumulator } from './expression-builder.ts';
import type { ExpressionFactory, Macro } from './macro.ts';

type Body = (make: ExpressionFactory, args: Args) => FoldParts;
interface FoldParts {
  readonly init: Expression;
  readonly condition: Expression;
  readonly step: Expression;
  readonly result: Expression;
}
interface Args {
  /** The argument after the variables, and the one after it where there are two. */
  readonly first: Expression;
  readonly second: Expression | undefined;
  readonly iterator: string;
  readonly secondIterator: string | undefined;
}

/** A macro that folds its receiver: `variables` names, then the arguments of the body. */
function fold(name: string, variables: 1 | 2, others: 1 | 2, body: Body, mistake = notSimple): Macro {
  return {
    name,
    member: true,
    argCount: variables + others,
    expand(make, args, target) {
      const names = args.slice(0, variables).map((each) => nameOf(make, each, mistake));
      const [iterator, secondIterator] = names;
      const first = args[variables];
      if (iterator === undefined || first === undefined || names.includes(undefined)) return target;
      if (variables === 2 && iterator === secondIterator) {
        return make.error(args[1] ?? target, `duplicate variable name: ${iterator}`);
      }
      const parts = body(make, { first, second: args[variables + 1], iterator, secondIterator });
      return make.comprehension({ range: target, iterator, secondIterator, ...parts });
    },
  };
}

const notSimple = 'argument must be a simple name';
const notIdentifier = 'argument is not an identifier';

function nameOf(make: ExpressionFactory, each: Expression, mistake: string): string | undefined {
  if (!isName(each)) {
    make.error(each, mistake);
    return undefined;
  }
  if (each.name === '__result__' || each.name === hiddenAccumulator) {
    make.error(each, 'iteration variable overwrites accumulator variable');
    return undefined;
  }
  return each.name;
}

const isName = (each: Expression): each is IdentifierExpression =>
  each.kind === 'identifier' && !each.name.startsWith('.');

const accumulator = (make: ExpressionFactory) => make.identifier(hiddenAccumulator);

const all: Body = (make, { first }) => ({
  init: make.literal(true),
  condition: make.call('@not_strictly_false', [accumulator(make)]),
  step: make.call('_&&_', [accumulator(make), first]),
  result: accumulator(make),
});

const exists: Body = (make, { first }) => ({
  init: make.literal(false),
  condition: make.call('@not_strictly_false', [make.call('!_', [accumulator(make)])]),
  step: make.call('_||_', [accumulator(make), first]),
  result: accumulator(make),
});

const existsOne: Body = (make, { first }) => ({
  init: make.literal(0n),
  condition: make.literal(true),
  step: make.call('_?_:_', [first, make.call('_+_', [accumulator(make), make.literal(1n)]), accumulator(make)]),
  result: make.call('_==_', [accumulator(make), make.literal(1n)]),
});

/** `step`, or where there is a filter, `filter ? step : accumulator`. */
const gathered = (make: ExpressionFactory, init: Expression, step: Expression, filter?: Expression): FoldParts => ({
  init,
  condition: make.literal(true),
  step: filter ? make.call('_?_:_', [filter, step, accumulator(make)]) : step,
  result: accumulator(make),
});

const append = (make: ExpressionFactory, each: Expression) => make.call('_+_', [accumulator(make), make.list([each])]);

const map: Body = (make, { first, second }) =>
  second
    ? gathered(make, make.list([]), append(make, second), first)
    : gathered(make, make.list([]), append(make, first));

const filter: Body = (make, { first, iterator }) =>
  gathered(make, make.list([]), append(make, make.identifier(iterator)), first);

const transformMap: Body = (make, { first, second, iterator }) => {
  const step = make.call('cel.@mapInsert', [accumulator(make), make.identifier(iterator), second ?? first]);
  return gathered(make, make.map([]), step, second && first);
};

const transformMapEntry: Body = (make, { first, second }) => {
  const step = make.call('cel.@mapInsert', [accumulator(make), second ?? first]);
  return gathered(make, make.map([]), step, second && first);
};

const has: Macro = {
  name: 'has',
  member: false,
  argCount: 1,
  expand(make, [arg]) {
    if (arg?.kind === 'select' && !arg.test) return make.select(arg.operand, arg.field, true);
    return arg && make.error(arg, 'invalid argument to has() macro');
  },
};

/** The macros that CEL has without any library. */
export const standardMacros: readonly Macro[] = [
  has,
  fold('all', 1, 1, all),
  fold('exists', 1, 1, exists),
  fold('exists_one', 1, 1, existsOne),
  fold('map', 1, 1, map, notIdentifier),
  fold('map', 1, 2, map, notIdentifier),
  fold('filter', 1, 1, filter, notIdentifier),
];

/** cel-go's extension of two variables: index and element, or key and value. */
export const twoVariableMacros: readonly Macro[] = [
  fold('all', 2, 1, all),
  fold('exists', 2, 1, exists),
  fold('existsOne', 2, 1, existsOne),
  fold('exists_one', 2, 1, existsOne),
  fold('transformList', 2, 1, map),
  fold('transformList', 2, 2, map),
  fold('transformMap', 2, 1, transformMap),
  fold('transformMap', 2, 2, transformMap),
  fold('transformMapEntry', 2, 1, transformMapEntry),
  fold('transformMapEntry', 2, 2, transformMapEntry),
];

/** `body` in which a name stands for a value: a fold over nothing. */
const bound = (make: ExpressionFactory, name: string, value: Expression, body: Expression): Expression =>
  make.comprehension({
    range: make.list([]),
    iterator: '#unused',
    accumulator: name,
    init: value,
    condition: make.literal(false),
    step: make.identifier(name),
    result: body,
  });

/** `cel.bind(v, value, e)` gives `e`, in which `v` stands for the value. */
export const bindMacro: Macro = {
  name: 'bind',
  member: true,
  argCount: 3,
  expand(make, [variable, value, body], target) {
    if (target.kind !== 'identifier' || target.name !== 'cel' || !variable || !value || !body) return undefined;
    if (variable.kind !== 'identifier') {
      return make.error(variable, 'cel.bind() variable names must be simple identifiers');
    }
    return bound(make, variable.name, value, body);
  },
};

/** `x.optMap(v, e)` gives `optional.of(e)`, `x.optFlatMap(v, e)` gives `e`, and both none where `x` is none. */
function optional(name: string, wraps: boolean): Macro {
  return {
    name,
    member: true,
    argCount: 2,
    expand(make, [variable, body], target) {
      if (variable === undefined || body === undefined) return undefined;
      if (!isName(variable)) {
        return make.error(variable, `${name}() variable name must be a simple identifier`);
      }
      const value = bound(make, variable.name, make.call('value', [], target), body);
      return make.call('_?_:_', [
        make.call('hasValue', [], target),
        wraps ? make.call('optional.of', [value]) : value,
        make.call('optional.none', []),
      ]);
    },
  };
}

export const optionalMacros: readonly Macro[] = [optional('optMap', true), optional('optFlatMap', false)];
