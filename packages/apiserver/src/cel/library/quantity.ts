import {
  addQuantity,
  compareQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  subtractQuantity,
} from '@keelson/core';
import { CelType } from '../type.ts';
import { CelError, CelObject, type CelValue } from '../value.ts';
import { noSuchOverload } from './equality.ts';

export const quantityType = new CelType<CelQuantity>('object', 'kubernetes.Quantity');

/**
 * How Kubernetes holds an amount: `unscaled` times ten to the power of `exponent`, in 64 bits where `small`. Whether an
 * amount is an integer to it depends on that: `1000m` is none, and neither is what has many digits.
 */
interface Held {
  readonly unscaled: bigint;
  readonly exponent: number;
  readonly small: boolean;
}

const leastInt = -(2n ** 63n);
const greatestInt = 2n ** 63n - 1n;
const fits = (value: bigint): boolean => value >= leastInt && value <= greatestInt;

/** An amount of a resource (`resource.Quantity`) as a value of CEL. */
export class CelQuantity extends CelObject {
  readonly amount: Quantity;
  readonly #held: Held;

  constructor(amount: Quantity, held: Held) {
    super();
    this.amount = amount;
    this.#held = held;
  }

  get type(): CelType {
    return quantityType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelQuantity)) throw noSuchOverload();
    return this.compareTo(other) === 0;
  }

  compareTo(other: CelQuantity): -1 | 0 | 1 {
    return compareQuantity(this.amount, other.amount);
  }

  plus(other: CelQuantity | bigint): CelQuantity {
    const added = typeof other === 'bigint' ? fromInt(other) : other;
    return new CelQuantity(addQuantity(this.amount, added.amount), sum(this.#held, added.#held));
  }

  minus(other: CelQuantity | bigint): CelQuantity {
    const taken = typeof other === 'bigint' ? fromInt(other) : other;
    const held = sum(this.#held, { ...taken.#held, unscaled: -taken.#held.unscaled });
    return new CelQuantity(subtractQuantity(this.amount, taken.amount), held);
  }

  /** The whole number that it is to Kubernetes; undefined where it is none, or none of 64 bits. */
  get whole(): bigint | undefined {
    const { unscaled, exponent, small } = this.#held;
    if (!small || exponent < 0) return undefined;
    const value = unscaled * 10n ** BigInt(exponent);
    return fits(value) ? value : undefined;
  }

  get approximately(): number {
    const { unscaled, exponent } = this.#held;
    return exponent === 0 ? Number(unscaled) : Number(unscaled) * Number(`1e${exponent}`);
  }

  get sign(): bigint {
    return this.amount.nanos > 0n ? 1n : this.amount.nanos < 0n ? -1n : 0n;
  }
}

function sum(left: Held, right: Held): Held {
  const small = left.small && right.small;
  // Nothing takes the form of what it is added to.
  if (small && right.unscaled === 0n) return left;
  if (small && left.unscaled === 0n) return right;
  const exponent = Math.min(left.exponent, right.exponent);
  const shifted = (held: Held) => held.unscaled * 10n ** BigInt(held.exponent - exponent);
  const unscaled = shifted(left) + shifted(right);
  return { unscaled, exponent, small: small && [shifted(left), shifted(right), unscaled].every(fits) };
}

function fromInt(value: bigint): CelQuantity {
  const amount: Quantity = { nanos: value * 1_000_000_000n, format: 'DecimalSI' };
  return new CelQuantity(amount, { unscaled: value, exponent: 0, small: true });
}

const nano = -9;
const decimalExponents = new Map([...'num', '', ...'kMGTPE'].map((suffix, index) => [suffix, index * 3 + nano]));
const binarySuffixes = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** How many decimal digits Kubernetes takes into 64 bits without a look at them; all else it holds in billionths. */
const surelyFitting = 18;
const surelyFittingBinary = 14;

/** The form in which Kubernetes holds what it read from a text that is a quantity. */
function heldAs(text: string, { nanos }: Quantity): Held {
  const [, sign = '', zeros = '', whole = '', fraction = '', suffix = ''] =
    /^([+-]?)(0*)([0-9]*)\.?([0-9]*)(.*)$/.exec(text) ?? [];
  const digits = BigInt(`${whole}${fraction}` || '0');
  const unscaled = sign === '-' ? -digits : digits;
  const count = Math.max(whole.length, zeros === '' ? 0 : 1);
  const binary = binarySuffixes.indexOf(suffix);
  const power = (binary + 1) * 10;
  const room = binary < 0 ? surelyFitting - fraction.length : surelyFittingBinary - Math.trunc(power * 0.3);
  const exponent = binary < 0 ? exponentOf(suffix) - fraction.length : 0;
  const small = count <= room && exponent >= nano && (binary < 0 || fraction === '');
  if (!small) return { unscaled: nanos, exponent: nano, small };
  return { unscaled: binary < 0 ? unscaled : unscaled << BigInt(power), exponent, small };
}

const exponentOf = (suffix: string): number => decimalExponents.get(suffix) ?? Number(suffix.slice(1));

/** Reads a quantity; throws a `CelError` in Kubernetes' words. */
export function celQuantity(text: string): CelQuantity {
  const amount = readQuantity(text);
  if (amount instanceof QuantityError) throw new CelError(amount.message);
  return new CelQuantity(amount, heldAs(text, amount));
}

export const isQuantity = (text: string): boolean => !(readQuantity(text) instanceof QuantityError);

function readQuantity(text: string): Quantity | QuantityError {
  try {
    // The API forgives spaces around a quantity, CEL does not.
    return parseQuantity(text === text.trim() ? text : 'x');
  } catch (error) {
    if (error instanceof QuantityError) return error;
    throw error;
  }
}
