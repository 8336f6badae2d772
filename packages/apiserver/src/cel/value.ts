import type { CelType } from './type.ts';

/**
 * A value of CEL: null, bool, int (a bigint within 64 bits), uint, double (a number), string, bytes, and the classes
 * below. A type is a value too. Integers are never numbers: `1` in JavaScript is CEL's `1.0`.
 */
export type CelValue =
  | null
  | boolean
  | bigint
  | CelUint
  | number
  | string
  | Uint8Array
  | CelDuration
  | CelTimestamp
  | CelList
  | CelMap
  | CelOptional
  | CelObject
  | CelType;

export class CelUint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A duration in nanoseconds, within 64 bits. */
export class CelDuration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }
}

/**
 * A moment in nanoseconds since 1970-01-01T00:00:00Z, from year 1 to 9999. `offset` is that of the zone it was written
 * with, in seconds east of UTC: only `string()` shows it.
 */
export class CelTimestamp {
  readonly nanoseconds: bigint;
  readonly offset: number;

  constructor(nanoseconds: bigint, offset = 0) {
    this.nanoseconds = nanoseconds;
    this.offset = offset;
  }
}

/** `optional.of(value)`, or `CelOptional.none`. */
export class CelOptional {
  static readonly none = new CelOptional(undefined);
  readonly value: CelValue | undefined;

  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

/** A list. What adapters make of JSON converts an element when it is asked for. */
export abstract class CelList {
  abstract readonly size: number;
  /** The element at an index that is known to be within bounds. */
  abstract at(index: number): CelValue;

  /** `this + other`; overridden by lists that are sets or maps. */
  plus(other: CelList): CelList {
    return new CelConcatenation(this, other);
  }

  /** `this == other` where it has a rule of its own (sets, maps by key); undefined leaves it to CEL's. */
  equalTo(_other: CelList): boolean | undefined {
    return undefined;
  }

  *[Symbol.iterator](): Generator<CelValue, void, undefined> {
    const { size } = this;
    for (let index = 0; index < size; index++) yield this.at(index);
  }
}

/** A list over an array that nobody changes any more. */
export class CelArray extends CelList {
  readonly items: readonly CelValue[];

  constructor(items: readonly CelValue[]) {
    super();
    this.items = items;
  }

  get size(): number {
    return this.items.length;
  }

  at(index: number): CelValue {
    return this.items[index] ?? null;
  }

  override [Symbol.iterator](): Generator<CelValue, void, undefined> {
    return iterate(this.items);
  }
}

function* iterate(items: readonly CelValue[]): Generator<CelValue, void, undefined> {
  yield* items;
}

/** Sums of lists can be greater than memory, for they cost nothing until they are walked through. */
const mostGathered = 100_000;

/** Two lists one after the other; the elements are gathered when the first one is asked for, unless they are too many. */
class CelConcatenation extends CelList {
  readonly size: number;
  #parts: readonly [CelList, CelList] | undefined;
  #items: readonly CelValue[] = [];

  constructor(left: CelList, right: CelList) {
    super();
    this.size = left.size + right.size;
    this.#parts = [left, right];
  }

  at(index: number): CelValue {
    if (this.size > mostGathered) return this.#walk(index);
    if (this.#parts) {
      this.#items = gather(this.#parts);
      this.#parts = undefined;
    }
    return this.#items[index] ?? null;
  }

  #walk(index: number): CelValue {
    let list: CelList = this;
    let at = index;
    while (list instanceof CelConcatenation && list.size > mostGathered && list.parts) {
      const [left, right]: readonly [CelList, CelList] = list.parts;
      if (at < left.size) list = left;
      else {
        list = right;
        at -= left.size;
      }
    }
    return list.at(at);
  }

  /** The parts for as long as they are apart: `a + b + c …` of a loop is gathered once, and without recursion. */
  get parts(): readonly [CelList, CelList] | undefined {
    return this.#parts;
  }
}

function gather(parts: readonly [CelList, CelList]): CelValue[] {
  const items: CelValue[] = [];
  const left: CelList[] = [parts[1], parts[0]];
  for (let list = left.pop(); list !== undefined; list = left.pop()) {
    const own = list instanceof CelConcatenation ? list.parts : undefined;
    if (own) left.push(own[1], own[0]);
    else for (let index = 0; index < list.size; index++) items.push(list.at(index));
  }
  return items;
}

/** A map. Keys are bool, int, uint or string; equal numbers are one key, whatever their type. */
export abstract class CelMap {
  abstract readonly size: number;
  /** Undefined where the key is not there, or of a type that no key has. */
  abstract get(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;

  /** Whether the key is there; overridden where asking costs less than getting. */
  has(key: CelValue): boolean {
    return this.get(key) !== undefined;
  }
}

/**
 * A value with fields (an object by a schema, a message) or an opaque one of a library (a quantity, an address).
 * `type` is what `type(x)` gives and by which overloads are chosen.
 */
export abstract class CelObject {
  abstract readonly type: CelType;
  abstract equals(other: CelValue): boolean;

  /** The value of a field; undefined where it is not set. */
  get(_field: string): CelValue | undefined {
    return undefined;
  }

  /** What `has(x.field)` says. */
  has(field: string): boolean {
    return this.get(field) !== undefined;
  }
}

/**
 * An error of evaluation: thrown by implementations, absorbed by `&&`, `||`, `all` and `exists` where the other side
 * decides. It holds no stack, for it is as usual as any other result.
 */
export class CelError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  toString(): string {
    return this.message;
  }
}

/**
 * Thrown by an implementation whose answer has to be waited for. `evaluateAsync` waits for `answer` and evaluates
 * again: the implementation must know the answer by then. `evaluate` fails.
 */
export class CelPending {
  readonly answer: Promise<unknown>;

  constructor(answer: Promise<unknown>) {
    this.answer = answer;
  }
}
