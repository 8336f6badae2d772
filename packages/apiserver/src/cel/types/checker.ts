import type { CelOverload } from '../contract.ts';
import {
  boolType,
  bytesType,
  doubleType,
  dynType,
  errorType,
  intType,
  listType,
  mapType,
  nullType,
  optionalType,
  paramType,
  stringType,
  uintType,
} from '../standard-types.ts';
import type {
  CallExpression,
  ComprehensionExpression,
  Expression,
  IdentifierExpression,
  ListExpression,
  LiteralExpression,
  MapExpression,
  SelectExpression,
  StructExpression,
} from '../syntax/expression.ts';
import type { CelIssue } from '../syntax/source.ts';
import type { CelType } from '../type.ts';
import { CelUint, type CelValue } from '../value.ts';
import type { Declarations, Declared } from './declarations.ts';
import type { CelStruct } from './struct.ts';
import { freshen, isDyn, isDynOrError, isExactly, moreGeneral, Substitution, substitute } from './substitution.ts';

/** What a node of a checked expression refers to. */
export type Reference =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'constant'; readonly value: CelValue }
  | { readonly kind: 'struct'; readonly struct: CelStruct }
  /** `global`: the receiver was part of the function's name, as in `optional.of(x)`. */
  | {
      readonly kind: 'function';
      readonly name: string;
      readonly overloads: readonly CelOverload[];
      readonly global: boolean;
    };

export interface CheckedExpression {
  readonly expression: Expression;
  readonly type: CelType;
  /** By the ids of nodes. */
  readonly types: ReadonlyMap<number, CelType>;
  readonly references: ReadonlyMap<number, Reference>;
}

export type Checked =
  | { readonly checked: CheckedExpression; readonly issues?: undefined }
  | { readonly issues: readonly CelIssue[] };

/** Finds the types of all nodes, or tells every mistake (cel-spec, "Gradual Type Checking"). */
export function check(expression: Expression, declarations: Declarations): Checked {
  const checker = new Checker(declarations);
  const type = checker.check(expression);
  return checker.issues.length > 0 ? { issues: checker.issues } : { checked: checker.finish(expression, type) };
}

type Scope = ReadonlyMap<string, CelType>;

class Checker {
  readonly issues: CelIssue[] = [];
  readonly #declarations: Declarations;
  readonly #types = new Map<number, CelType>();
  readonly #references = new Map<number, Reference>();
  /** Variables of comprehensions, from the outermost one on. */
  readonly #scopes: Scope[] = [];
  readonly #substitution = new Substitution();
  #fresh = 0;

  constructor(declarations: Declarations) {
    this.#declarations = declarations;
  }

  finish(expression: Expression, type: CelType): CheckedExpression {
    const types = new Map<number, CelType>();
    for (const [id, each] of this.#types) types.set(id, substitute(this.#substitution, each, true));
    return { expression, type: substitute(this.#substitution, type, true), types, references: this.#references };
  }

  check(expression: Expression): CelType {
    const type = this.#typeOf(expression);
    this.#types.set(expression.id, type);
    return type;
  }

  #typeOf(expression: Expression): CelType {
    switch (expression.kind) {
      case 'literal':
        return literalType(expression);
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

  #tell({ offset }: { readonly offset: number }, message: string): CelType {
    this.issues.push({ offset, message });
    return errorType;
  }

  #undeclared(at: Expression, name: string): CelType {
    return this.#tell(at, `undeclared reference to '${name}' (in container '${this.#declarations.container}')`);
  }

  #lookup(name: string): Declared | undefined {
    // A name after a dot is none of a comprehension's.
    if (name.startsWith('.')) return this.#declarations.name(name);
    for (let index = this.#scopes.length - 1; index >= 0; index--) {
      const type = this.#scopes[index]?.get(name);
      if (type) return { kind: 'variable', name, type };
    }
    return this.#declarations.name(name);
  }

  #refer(id: number, declared: Declared): CelType {
    const { type } = declared;
    if (declared.kind === 'constant') this.#references.set(id, { kind: 'constant', value: declared.value });
    else this.#references.set(id, { kind: 'variable', name: declared.name });
    return type;
  }

  #identifier(expression: IdentifierExpression): CelType {
    const declared = this.#lookup(expression.name);
    return declared ? this.#refer(expression.id, declared) : this.#undeclared(expression, expression.name);
  }

  #select(expression: SelectExpression): CelType {
    const name = expression.test ? undefined : qualifiedName(expression);
    const declared = name === undefined || this.#isLocal(name) ? undefined : this.#lookup(name);
    if (declared) return this.#refer(expression.id, declared);
    const operand = substitute(this.#substitution, this.check(expression.operand), false);
    const type = this.#field(expression, operand, expression.field, false);
    return expression.test ? boolType : type;
  }

  /** Whether a dotted name starts with a variable of a comprehension, which hides longer names. */
  #isLocal(name: string): boolean {
    const first = name.slice(0, name.indexOf('.'));
    return this.#scopes.some((scope) => scope.has(first));
  }

  /** The type of `operand.field`; of `operand.?field` where `optional`. */
  #field(at: Expression, operand: CelType, field: string, optional: boolean): CelType {
    const inner = optionalOf(operand);
    const type = this.#plainField(at, inner ?? operand, field);
    return (inner || optional) && type !== errorType ? optionalType(type) : type;
  }

  #plainField(at: Expression, operand: CelType, field: string): CelType {
    if (operand.kind === 'map') return operand.parameters[1] ?? dynType;
    if (operand.kind === 'object') {
      if (!operand.fields) return this.#tell(at, `unexpected failed resolution of '${operand}'`);
      return operand.fields.type(field) ?? this.#tell(at, `undefined field '${field}'`);
    }
    if (operand.kind === 'param') {
      this.#assignable([operand], [dynType]);
      return dynType;
    }
    if (isDynOrError(operand)) return dynType;
    return this.#tell(at, `type '${operand}' does not support field selection`);
  }

  #assignable(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    return this.#substitution.assign(given, wanted);
  }

  #call(expression: CallExpression): CelType {
    if (expression.function === '_?._') return this.#optionalSelect(expression);
    const { target, args } = expression;
    if (expression.function === '_&&_' || expression.function === '_||_') return this.#logical(expression);
    if (!target) {
      const found = this.#declarations.function(expression.function);
      const types = args.map((each) => this.check(each));
      if (!found) return this.#undeclared(expression, expression.function);
      return this.#resolve(expression, found.name, found.overloads, types, false, false);
    }
    const prefix = qualifiedName(target);
    const full = prefix === undefined ? undefined : this.#declarations.function(`${prefix}.${expression.function}`);
    if (full) {
      const types = args.map((each) => this.check(each));
      return this.#resolve(expression, full.name, full.overloads, types, false, true);
    }
    const types = [this.check(target), ...args.map((each) => this.check(each))];
    const found = this.#declarations.function(expression.function);
    if (!found) return this.#undeclared(expression, expression.function);
    return this.#resolve(expression, found.name, found.overloads, types, true, false);
  }

  #logical({ id, function: name, args }: CallExpression): CelType {
    for (const each of args) this.#assert(each, boolType);
    const overloads = this.#declarations.function(name)?.overloads ?? [];
    this.#references.set(id, { kind: 'function', name, overloads, global: false });
    return boolType;
  }

  #optionalSelect(expression: CallExpression): CelType {
    const [operand, field] = expression.args;
    if (operand === undefined || field?.kind !== 'literal' || typeof field.value !== 'string') return errorType;
    const type = substitute(this.#substitution, this.check(operand), false);
    this.#types.set(field.id, stringType);
    return this.#field(expression, type, field.value, true);
  }

  #resolve(
    at: CallExpression,
    name: string,
    overloads: readonly CelOverload[],
    given: readonly CelType[],
    member: boolean,
    global: boolean,
  ): CelType {
    const matching: CelOverload[] = [];
    let result: CelType | undefined;
    for (const overload of overloads) {
      if (overload.member !== member || overload.args.length !== given.length) continue;
      const names = new Map<string, CelType>();
      const wanted = overload.args.map((each) => freshen(each, names, this.#newParam));
      if (!this.#assignable(given, wanted)) continue;
      matching.push(overload);
      const own = substitute(this.#substitution, freshen(overload.result, names, this.#newParam), false);
      if (result === undefined) result = own;
      else if (!isDyn(result) && !isExactly(own, result)) result = dynType;
    }
    if (result === undefined) return this.#noMatch(at, name, given, member);
    this.#references.set(at.id, { kind: 'function', name, overloads: matching, global });
    return result;
  }

  readonly #newParam = (): CelType => {
    this.#fresh += 1;
    return paramType(`_var${this.#fresh}`);
  };

  #noMatch(at: CallExpression, name: string, given: readonly CelType[], member: boolean): CelType {
    const types = given.map((each) => substitute(this.#substitution, each, true).toString());
    const applied = member ? `${types[0]}.(${types.slice(1).join(', ')})` : `(${types.join(', ')})`;
    return this.#tell(at, `found no matching overload for '${name}' applied to '${applied}'`);
  }

  #list(expression: ListExpression): CelType {
    let element: CelType | undefined;
    expression.elements.forEach((each, index) => {
      const type = this.check(each);
      element = this.#join(element, expression.optional.has(index) ? this.#unwrapped(each, type) : type);
    });
    return listType(element ?? this.#newParam());
  }

  #map(expression: MapExpression): CelType {
    let key: CelType | undefined;
    let value: CelType | undefined;
    for (const entry of expression.entries) {
      key = this.#join(key, this.check(entry.key));
      const type = this.check(entry.value);
      value = this.#join(value, entry.optional ? this.#unwrapped(entry.value, type) : type);
    }
    return mapType(key ?? this.#newParam(), value ?? this.#newParam());
  }

  /** What is within the optional that `?x` has to be. */
  #unwrapped(at: Expression, type: CelType): CelType {
    const known = substitute(this.#substitution, type, false);
    const inner = optionalOf(known);
    if (inner) return inner;
    if (isDynOrError(known)) return dynType;
    return this.#mismatch(at, optionalType(known), known);
  }

  #mismatch(at: { readonly offset: number }, wanted: CelType, found: CelType): CelType {
    const show = (type: CelType) => substitute(this.#substitution, type, true).toString();
    return this.#tell(at, `expected type '${show(wanted)}' but found '${show(found)}'`);
  }

  /** The type of elements of which one more is found; dyn where they have none in common. */
  #join(former: CelType | undefined, type: CelType): CelType {
    if (!former) return type;
    const known = substitute(this.#substitution, former, false);
    const own = substitute(this.#substitution, type, false);
    return this.#assignable([former], [type]) ? moreGeneral(known, own) : dynType;
  }

  #struct(expression: StructExpression): CelType {
    const struct = this.#declarations.struct(expression.name);
    if (!struct) {
      for (const entry of expression.entries) this.check(entry.value);
      return this.#undeclared(expression, expression.name);
    }
    this.#references.set(expression.id, { kind: 'struct', struct });
    for (const entry of expression.entries) {
      const value = this.check(entry.value);
      const given = entry.optional ? this.#unwrapped(entry.value, value) : value;
      const wanted = struct.type.fields?.type(entry.field);
      if (!wanted) this.#tell(entry, `undefined field '${entry.field}'`);
      else if (!this.#assignable([wanted], [given])) {
        const show = (type: CelType) => substitute(this.#substitution, type, true).toString();
        const message = `expected type of field '${entry.field}' is '${show(wanted)}' but provided type is '${show(given)}'`;
        this.#tell(entry, message);
      }
    }
    return struct.type;
  }

  #comprehension(expression: ComprehensionExpression): CelType {
    const range = substitute(this.#substitution, this.check(expression.range), false);
    const init = this.check(expression.init);
    const [first, second] = this.#iterated(expression, range);
    const accumulator = new Map([[expression.accumulator, init]]);
    const variables = new Map([[expression.iterator, first]]);
    if (expression.secondIterator !== undefined) variables.set(expression.secondIterator, second);
    this.#scopes.push(accumulator, variables);
    this.#assert(expression.condition, boolType);
    this.#assert(expression.step, init);
    this.#scopes.pop();
    const result = this.check(expression.result);
    this.#scopes.pop();
    return substitute(this.#substitution, result, false);
  }

  #assert(expression: Expression, wanted: CelType): void {
    const type = this.check(expression);
    if (!this.#assignable([wanted], [type])) this.#mismatch(expression, wanted, type);
  }

  /** The types of the variables of a comprehension over a range. */
  #iterated(expression: ComprehensionExpression, range: CelType): readonly [CelType, CelType] {
    const [first = dynType, second = dynType] = range.parameters;
    const two = expression.secondIterator !== undefined;
    if (range.kind === 'map') return [first, second];
    if (range.kind === 'list') return two ? [intType, first] : [first, dynType];
    if (range.kind === 'param') this.#assignable([range], [dynType]);
    else if (range.kind !== 'dyn' && range.kind !== 'error') {
      const message = `expression of type '${range}' cannot be range of a comprehension (must be list, map, or dynamic)`;
      this.#tell(expression.range, message);
      return [errorType, errorType];
    }
    return [dynType, dynType];
  }
}

function literalType({ value }: LiteralExpression): CelType {
  if (value === null) return nullType;
  if (typeof value === 'boolean') return boolType;
  if (typeof value === 'bigint') return intType;
  if (typeof value === 'number') return doubleType;
  if (typeof value === 'string') return stringType;
  return value instanceof CelUint ? uintType : bytesType;
}

/** What is within an optional. */
const optionalOf = (type: CelType): CelType | undefined =>
  type.kind === 'opaque' && type.name === 'optional_type' ? (type.parameters[0] ?? dynType) : undefined;

/** `a.b.c` where an expression is nothing but names. */
export function qualifiedName(expression: Expression): string | undefined {
  if (expression.kind === 'identifier') return expression.name;
  if (expression.kind !== 'select' || expression.test) return undefined;
  const operand = qualifiedName(expression.operand);
  return operand === undefined ? undefined : `${operand}.${expression.field}`;
}
