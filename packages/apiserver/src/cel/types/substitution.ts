import { dynType } from '../standard-types.ts';
import { CelType } from '../type.ts';

/** What parameters of signatures stand for so far. */
export class Substitution {
  readonly #types = new Map<string, CelType>();
  /** What was there before each change of an attempt, so that one that fails leaves nothing behind. */
  readonly #former: (readonly [string, CelType | undefined])[] = [];

  get(param: CelType): CelType | undefined {
    return this.#types.get(param.name);
  }

  set(param: CelType, type: CelType): void {
    this.#former.push([param.name, this.#types.get(param.name)]);
    this.#types.set(param.name, type);
  }

  /** Whether each of `given` may be used as the one of `wanted`; parameters stand for what makes it so, from now on. */
  assign(given: readonly CelType[], wanted: readonly CelType[]): boolean {
    const fits = given.length === wanted.length && samePairs(given, wanted, (a, b) => assign(this, a, b));
    if (!fits) this.#undo();
    this.#former.length = 0;
    return fits;
  }

  /** Says the same in one step that took several. */
  shorten(param: CelType, type: CelType): void {
    this.#types.set(param.name, type);
  }

  #undo(): void {
    for (const [name, type] of this.#former.reverse()) {
      if (type) this.#types.set(name, type);
      else this.#types.delete(name);
    }
  }
}

export const isDyn = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'any';
export const isDynOrError = (type: CelType): boolean => isDyn(type) || type.kind === 'error';

/** Whether two types are written the same, parameters included. */
export function isExactly(a: CelType, b: CelType): boolean {
  if (a === b) return true;
  return a.kind === b.kind && a.name === b.name && samePairs(a.parameters, b.parameters, isExactly);
}

function samePairs(
  a: readonly CelType[],
  b: readonly CelType[],
  same: (left: CelType, right: CelType) => boolean,
): boolean {
  return a.length === b.length && a.every((each, index) => same(each, b[index] ?? dynType));
}

function assign(attempt: Substitution, given: CelType, wanted: CelType): boolean {
  if (wanted.kind === 'param') {
    const { valid, known } = bind(attempt, given, wanted);
    if (valid) return true;
    if (known) return false;
  }
  if (given.kind === 'param') return bind(attempt, wanted, given).valid;
  if (isDynOrError(given) || isDynOrError(wanted)) return true;
  if (given.kind === 'null') return isNullable(wanted);
  if (wanted.kind === 'null') return isNullable(given);
  if (given.kind === 'wrapper' || wanted.kind === 'wrapper') return isExactly(unwrapped(given), unwrapped(wanted));
  if (given.kind !== wanted.kind) return false;
  if (given.kind === 'type') return true;
  if (given.kind === 'list' || given.kind === 'map' || given.kind === 'opaque') {
    return (
      given.name === wanted.name && samePairs(given.parameters, wanted.parameters, (a, b) => assign(attempt, a, b))
    );
  }
  return given.name === wanted.name;
}

const unwrapped = (type: CelType): CelType => (type.kind === 'wrapper' ? (type.parameters[0] ?? dynType) : type);

/** Of the scalars only wrappers are: what a message may leave out is. */
const nullable = new Set(['null', 'wrapper', 'object', 'opaque', 'duration', 'timestamp']);
const isNullable = (type: CelType): boolean => nullable.has(type.kind);

/** Lets a parameter stand for a type, or for the more general one of it and what it stands for. */
function bind(
  attempt: Substitution,
  type: CelType,
  param: CelType,
): { readonly valid: boolean; readonly known: boolean } {
  if (isExactly(type, param)) return { valid: true, known: true };
  const current = attempt.get(param);
  if (!current) {
    if (occursIn(attempt, param, type)) return { valid: false, known: false };
    attempt.set(param, type);
    return { valid: true, known: false };
  }
  if (isExactly(type, current)) return { valid: true, known: true };
  if (!assign(attempt, type, current)) return { valid: false, known: true };
  const general = moreGeneral(type, current);
  if (!occursIn(attempt, param, general)) attempt.set(param, general);
  return { valid: true, known: true };
}

/** A parameter must not stand for something that holds it. */
function occursIn(attempt: Substitution, param: CelType, type: CelType): boolean {
  if (isExactly(param, type)) return true;
  if (type.kind === 'param') {
    const current = attempt.get(type);
    return current !== undefined && occursIn(attempt, param, current);
  }
  return type.parameters.some((each) => occursIn(attempt, param, each));
}

/** The more general one of two types of which one may be used as the other. */
export function moreGeneral(a: CelType, b: CelType): CelType {
  return isLessSpecific(a, b) ? a : b;
}

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (isDyn(a) || a.kind === 'param') return true;
  if (isDyn(b) || b.kind === 'param') return false;
  if (b.kind === 'null') return isNullable(a);
  if (a.kind === 'wrapper') return isExactly(unwrapped(a), unwrapped(b));
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'type') return true;
  return samePairs(a.parameters, b.parameters, isLessSpecific);
}

/** A type with what its parameters stand for; those that stand for nothing become dyn where `final`. */
export function substitute(substitution: Substitution, type: CelType, final: boolean): CelType {
  if (type.kind === 'param') {
    const current = substitution.get(type);
    if (!current) return final ? dynType : type;
    const known = substitute(substitution, current, final);
    if (known !== current && !final) substitution.shorten(type, known);
    return known;
  }
  if (type.parameters.length === 0) return type;
  const parameters = type.parameters.map((each) => substitute(substitution, each, final));
  return parameters.every((each, index) => each === type.parameters[index])
    ? type
    : new CelType(type.kind, type.name, parameters, type.fields);
}

/** The type with each parameter under a name that no other use of the signature has. */
export function freshen(type: CelType, names: Map<string, CelType>, fresh: () => CelType): CelType {
  if (type.kind === 'param') {
    const known = names.get(type.name) ?? fresh();
    names.set(type.name, known);
    return known;
  }
  if (type.parameters.length === 0) return type;
  return new CelType(
    type.kind,
    type.name,
    type.parameters.map((each) => freshen(each, names, fresh)),
    type.fields,
  );
}

/** Whether a signature has parameters at all. */
export const hasParams = (type: CelType): boolean => type.kind === 'param' || type.parameters.some(hasParams);
