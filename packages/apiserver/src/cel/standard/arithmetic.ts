import { noSuchOverload } from '../library/equality.ts';
import { CelDuration, CelError, CelList, CelTimestamp, CelUint, type CelValue } from '../value.ts';

const smallestInt = -(2n ** 63n);
const greatestInt = 2n ** 63n - 1n;
const greatestUint = 2n ** 64n - 1n;
const smallestMoment = -62135596800n * 1_000_000_000n;
const greatestMoment = 253402300800n * 1_000_000_000n - 1n;

/** A result within 64 bits. */
export function int(value: bigint): bigint {
  if (value > greatestInt || value < smallestInt) throw new CelError('integer overflow');
  return value;
}

export function uint(value: bigint): CelUint {
  if (value > greatestUint || value < 0n) throw new CelError('unsigned integer overflow');
  return new CelUint(value);
}

export const duration = (nanoseconds: bigint): CelDuration => new CelDuration(int(nanoseconds));

export function timestamp(nanoseconds: bigint, offset = 0): CelTimestamp {
  if (nanoseconds < smallestMoment || nanoseconds > greatestMoment) throw new CelError('timestamp overflow');
  return new CelTimestamp(nanoseconds, offset);
}

export function add(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(a + b);
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  if (a instanceof CelList && b instanceof CelList) return a.size === 0 ? b : b.size === 0 ? a : a.plus(b);
  if (a instanceof CelUint && b instanceof CelUint) return uint(a.value + b.value);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Uint8Array.from(Buffer.concat([a, b]));
  if (a instanceof CelDuration && b instanceof CelDuration) return duration(a.nanoseconds + b.nanoseconds);
  if (a instanceof CelTimestamp && b instanceof CelDuration) return timestamp(a.nanoseconds + b.nanoseconds, a.offset);
  if (a instanceof CelDuration && b instanceof CelTimestamp) return timestamp(a.nanoseconds + b.nanoseconds, b.offset);
  throw noSuchOverload();
}

export function subtract(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(a - b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (a instanceof CelUint && b instanceof CelUint) return uint(a.value - b.value);
  if (a instanceof CelDuration && b instanceof CelDuration) return duration(a.nanoseconds - b.nanoseconds);
  if (a instanceof CelTimestamp && b instanceof CelDuration) return timestamp(a.nanoseconds - b.nanoseconds, a.offset);
  if (a instanceof CelTimestamp && b instanceof CelTimestamp) return duration(a.nanoseconds - b.nanoseconds);
  throw noSuchOverload();
}

export function multiply(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(a * b);
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (a instanceof CelUint && b instanceof CelUint) return uint(a.value * b.value);
  throw noSuchOverload();
}

export function divide(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') return int(a / divisor(b, 'division by zero'));
  if (typeof a === 'number' && typeof b === 'number') return a / b;
  if (a instanceof CelUint && b instanceof CelUint) return uint(a.value / divisor(b.value, 'division by zero'));
  throw noSuchOverload();
}

export function modulo(a: CelValue, b: CelValue): CelValue {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    const by = divisor(b, 'modulus by zero');
    if (a === smallestInt && by === -1n) throw new CelError('integer overflow');
    return a % by;
  }
  if (a instanceof CelUint && b instanceof CelUint) return uint(a.value % divisor(b.value, 'modulus by zero'));
  throw noSuchOverload();
}

function divisor(value: bigint, message: string): bigint {
  if (value === 0n) throw new CelError(message);
  return value;
}

export function negate(a: CelValue): CelValue {
  if (typeof a === 'bigint') return int(-a);
  if (typeof a === 'number') return -a;
  throw noSuchOverload();
}

export function not(a: CelValue): CelValue {
  if (typeof a === 'boolean') return !a;
  throw noSuchOverload();
}
