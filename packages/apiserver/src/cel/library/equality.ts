import { CelType } from '../type.ts';
import {
  CelDuration,
  CelError,
  CelList,
  CelMap,
  CelObject,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
} from '../value.ts';
import { costExceeded, greatestCallCost, Steps } from './limits.ts';

type CelNumber = bigint | number | CelUint;

const isNumber = (value: CelValue | undefined): value is CelNumber =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;

const plain = (value: CelNumber): bigint | number => (value instanceof CelUint ? value.value : value);

/** A double and a whole number compare as doubles, as in Go, where great whole numbers are rounded. NaN is never 0. */
function orderNumbers(left: CelNumber, right: CelNumber): number {
  const [a, b] = [plain(left), plain(right)];
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : a === b ? 0 : Number.NaN;
  return order(Number(a), Number(b));
}

/** CEL's `==`: numbers of different types are equal where their values are; values of different kinds are not equal. */
export function isEqual(left: CelValue | undefined, right: CelValue | undefined, steps?: Steps): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (isNumber(left)) return isNumber(right) && orderNumbers(left, right) === 0;
  if (left === null || typeof left !== 'object') return left === right;
  if (left instanceof CelObject) return left.equals(right);
  if (left instanceof CelList) return right instanceof CelList && sameItems(left, right, steps ?? new Steps());
  if (left instanceof CelMap) return right instanceof CelMap && sameEntries(left, right, steps ?? new Steps());
  if (left instanceof Uint8Array) return right instanceof Uint8Array && compareBytes(left, right) === 0;
  if (left instanceof CelDuration) return right instanceof CelDuration && left.nanoseconds === right.nanoseconds;
  if (left instanceof CelTimestamp) return right instanceof CelTimestamp && left.nanoseconds === right.nanoseconds;
  if (left instanceof CelOptional) return right instanceof CelOptional && isEqual(left.value, right.value, steps);
  return left instanceof CelType && right instanceof CelType && left.name === right.name;
}

function sameItems(left: CelList, right: CelList, steps: Steps): boolean {
  const own = left.equalTo(right);
  if (own !== undefined) return own;
  if (left.size !== right.size) return false;
  steps.take(left.size);
  for (let index = 0; index < left.size; index++) if (!isEqual(left.at(index), right.at(index), steps)) return false;
  return true;
}

function sameEntries(left: CelMap, right: CelMap, steps: Steps): boolean {
  if (left.size !== right.size) return false;
  steps.take(left.size);
  for (const key of left.keys()) {
    const other = right.get(key);
    if (other === undefined || !isEqual(left.get(key), other, steps)) return false;
  }
  return true;
}

/** As `isEqual`; what cannot be compared is not the same. */
export function isSame(left: CelValue, right: CelValue): boolean {
  try {
    return isEqual(left, right);
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** Whether a list holds a value that is equal. */
export function holds(list: CelList, value: CelValue): boolean {
  for (let index = 0; index < list.size; index++) if (isSame(list.at(index), value)) return true;
  return false;
}

type Identity = string | number | bigint | boolean | null;

/** The same for all values that are equal, where a value has such a thing: numbers, bool, string and null. */
export function identityOf(value: CelValue): Identity | undefined {
  if (value instanceof CelUint) return value.value;
  if (typeof value === 'number') {
    return Number.isInteger(value) ? BigInt(value) : Number.isNaN(value) ? undefined : value;
  }
  return value !== null && typeof value === 'object' ? undefined : value;
}

/** Values without equal ones. Lists, maps and objects are compared one by one, but only so often as a call may cost. */
export class ValueSet {
  readonly #simple = new Set<Identity>();
  readonly #others: CelValue[] = [];
  #compared = 0;

  static of(values: CelList): ValueSet {
    const set = new ValueSet();
    for (let index = 0; index < values.size; index++) set.add(values.at(index));
    return set;
  }

  /** Whether it was not there yet. */
  add(value: CelValue): boolean {
    if (this.has(value)) return false;
    const identity = identityOf(value);
    if (identity !== undefined) this.#simple.add(identity);
    else this.#others.push(value);
    return true;
  }

  has(value: CelValue): boolean {
    const identity = identityOf(value);
    if (identity !== undefined) return this.#simple.has(identity);
    this.#compared += this.#others.length;
    if (this.#compared > greatestCallCost) throw costExceeded();
    return this.#others.some((other) => isSame(other, value));
  }
}

function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** By code point, as Go's strings by their UTF-8 bytes. */
function compareText(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const [a, b] = [left.charCodeAt(index), right.charCodeAt(index)];
    // Halves of a pair stand for code points beyond all that one unit holds.
    if (a !== b) return (isHalf(a) ? a + 0x10000 : a) - (isHalf(b) ? b + 0x10000 : b);
  }
  return left.length - right.length;
}

const isHalf = (unit: number): boolean => (unit & 0xf800) === 0xd800;

const order = (left: bigint | number, right: bigint | number): number =>
  left < right ? -1 : left > right ? 1 : left === right ? 0 : Number.NaN;

/**
 * Less than zero, zero, or more, for two values that CEL has an order for (numbers across their types, bool, string,
 * bytes, duration, timestamp); undefined for others. What is not a number has no order: it compares as NaN.
 */
export function compare(left: CelValue | undefined, right: CelValue | undefined): number | undefined {
  if (isNumber(left) && isNumber(right)) return orderNumbers(left, right);
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right);
  if (left instanceof CelDuration && right instanceof CelDuration) return order(left.nanoseconds, right.nanoseconds);
  if (left instanceof CelTimestamp && right instanceof CelTimestamp) return order(left.nanoseconds, right.nanoseconds);
  return undefined;
}

export const noSuchOverload = (): CelError => new CelError('no such overload');
