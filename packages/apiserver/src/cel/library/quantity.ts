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

const nano = 1_000_000_000n;
const leastInt = -(2n ** 63n);
const greatestInt = 2n ** 63n - 1n;

/** An amount of a resource (`resource.Quantity`) as a value of CEL. */
export class CelQuantity extends CelObject {
  readonly amount: Quantity;

  constructor(amount: Quantity) {
    super();
    this.amount = amount;
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
    return new CelQuantity(addQuantity(this.amount, amountOf(other)));
  }

  minus(other: CelQuantity | bigint): CelQuantity {
    return new CelQuantity(subtractQuantity(this.amount, amountOf(other)));
  }

  /** The whole number that it is; undefined where it is none, or none of 64 bits. */
  get whole(): bigint | undefined {
    const { nanos } = this.amount;
    const value = nanos / nano;
    return nanos % nano === 0n && value >= leastInt && value <= greatestInt ? value : undefined;
  }

  get approximately(): number {
    const { nanos } = this.amount;
    return nanos % nano === 0n ? Number(nanos / nano) : Number(nanos) / Number(nano);
  }

  get sign(): bigint {
    return this.amount.nanos > 0n ? 1n : this.amount.nanos < 0n ? -1n : 0n;
  }
}

function amountOf(value: CelQuantity | bigint): Quantity {
  return typeof value === 'bigint' ? { nanos: value * nano, format: 'DecimalSI' } : value.amount;
}

/** Reads a quantity; throws a `CelError` in Kubernetes' words. */
export function celQuantity(text: string): CelQuantity {
  const amount = readQuantity(text);
  if (amount instanceof QuantityError) throw new CelError(amount.message);
  return new CelQuantity(amount);
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
