/** How a quantity prefers to be written: `1500m`/`2G`, `1536Mi`, or `15e2`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** A parsed quantity. Exact to one billionth, as the API: finer values are rounded away from zero. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** What API objects hold (`'500m'`, `2`), or an already parsed one. */
export type QuantityLike = string | number | Quantity;

/** A suffix alone is zero: the API takes `m`, though the pattern in its message does not. */
const pattern = /^(?=.)([+-]?)([0-9.]*)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const NANO = 1_000_000_000n;
/** Text such as `1e999999999` must not cost memory: nothing beyond this is a meaningful amount of anything. */
const largestExponent = 1000;
/** Where Kubernetes stops counting for binary amounts. */
const largestBinary = (2n ** 63n - 1n) * NANO;

const decimalSuffixes = new Map<string, number>([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const decimalByExponent = new Map([...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** A text that is no quantity. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

interface Parts {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
  readonly format: QuantityFormat;
  /** Power of ten, or of two for BinarySI. */
  readonly exponent: number;
}

function split(text: string): Parts {
  const match = pattern.exec(text);
  const [, sign = '', number = '', suffix = ''] = match ?? [];
  const [whole = '', fraction = '', ...more] = number.split('.');
  if (!match || more.length > 0) {
    throw new QuantityError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  return { negative: sign === '-', whole: whole.replace(/^0+/, ''), fraction, ...scaleOf(suffix) };
}

function scaleOf(suffix: string): Pick<Parts, 'format' | 'exponent'> {
  const decimal = decimalSuffixes.get(suffix);
  if (decimal !== undefined) return { format: 'DecimalSI', exponent: decimal };
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { format: 'BinarySI', exponent: binary * 10 };
  const scientific = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  const exponent = Number(scientific?.[1] ?? Number.NaN);
  if (!scientific || Math.abs(exponent) > largestExponent) throw new QuantityError("unable to parse quantity's suffix");
  return { format: 'DecimalExponent', exponent };
}

const divideUp = (value: bigint, by: bigint) => (value + by - 1n) / by;

function toQuantity({ negative, whole, fraction, format, exponent }: Parts): Quantity {
  const digits = BigInt(whole + fraction || '0');
  const binary = format === 'BinarySI';
  const shift = 9 - fraction.length + (binary ? 0 : exponent);
  const scaled = binary ? digits << BigInt(exponent) : digits;
  let nanos = shift >= 0 ? scaled * 10n ** BigInt(shift) : divideUp(scaled, 10n ** BigInt(-shift));
  if (binary && nanos > largestBinary) nanos = largestBinary;
  return { nanos: negative ? -nanos : nanos, format };
}

/**
 * Reads `500m`, `1.5Gi`, `1e3`, or a JSON number. Throws `QuantityError` with Kubernetes' words.
 * Grammar: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseQuantity(text: QuantityLike): Quantity {
  if (typeof text === 'object') return text;
  return toQuantity(split(String(text).trim()));
}

/** The canonical text: no fraction, the largest suffix that loses nothing: `1000m` → `1`, `1024Ki` → `1Mi`, `0.5` → `500m`. */
export function formatQuantity(quantity: QuantityLike): string {
  const { nanos, format } = parseQuantity(quantity);
  if (nanos === 0n) return '0';
  const size = nanos < 0n ? -nanos : nanos;
  if (format === 'BinarySI' && size >= 1024n * NANO && size % NANO === 0n) return binaryText(nanos / NANO);
  return decimalText(nanos, format);
}

function binaryText(value: bigint): string {
  let power = 0;
  while (power < binarySuffixes.length - 1 && value % 1024n === 0n) {
    value /= 1024n;
    power++;
  }
  return `${value}${binarySuffixes[power]}`;
}

function decimalText(nanos: bigint, format: QuantityFormat): string {
  const scientific = format === 'DecimalExponent';
  let exponent = -9;
  while (nanos % 1000n === 0n && (scientific || exponent < 18)) {
    nanos /= 1000n;
    exponent += 3;
  }
  if (scientific) return exponent === 0 ? `${nanos}` : `${nanos}e${exponent}`;
  return `${nanos}${decimalByExponent.get(exponent)}`;
}

/**
 * What the API answers for this text. As `formatQuantity`, except that the API gives a text back as it came when its
 * digits and exponent need no change (`+1`, `1E3`, `1.5E1`).
 */
export function canonicalQuantity(text: string | number): string {
  const source = String(text).trim();
  const parts = split(source);
  return keepsItsSpelling(parts) ? source : formatQuantity(toQuantity(parts));
}

function keepsItsSpelling({ whole, fraction, format, exponent }: Parts): boolean {
  const digits = whole + fraction;
  if (whole === '' || digits.length > 18) return false;
  const value = BigInt(digits);
  if (format === 'BinarySI') return fraction === '' && value % 1024n !== 0n && value << BigInt(exponent) < 2n ** 63n;
  const scale = exponent - fraction.length;
  return scale >= -9 && scale % 3 === 0 && value % 1000n !== 0n && (format === 'DecimalExponent' || scale <= 18);
}

/** -1, 0 or 1: exact, whatever the suffixes. */
export function compareQuantity(a: QuantityLike, b: QuantityLike): -1 | 0 | 1 {
  const left = parseQuantity(a).nanos;
  const right = parseQuantity(b).nanos;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Exact sum, in the format of the first summand that is not zero. */
export function addQuantity(a: QuantityLike, b: QuantityLike): Quantity {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  return { nanos: left.nanos + right.nanos, format: left.nanos === 0n ? right.format : left.format };
}

/** The difference, in the format of the first. */
export function subtractQuantity(a: QuantityLike, b: QuantityLike): Quantity {
  return addQuantity(a, negateQuantity(b));
}

/** The same amount below zero. */
export function negateQuantity(quantity: QuantityLike): Quantity {
  const { nanos, format } = parseQuantity(quantity);
  return { nanos: -nanos, format };
}

/** Nothing. */
export const zeroQuantity: Quantity = { nanos: 0n, format: 'DecimalSI' };

/** Nearest double, in units (bytes, cores). */
export function quantityToNumber(quantity: QuantityLike): number {
  const { nanos } = parseQuantity(quantity);
  return Number(nanos / NANO) + Number(nanos % NANO) / 1e9;
}

/** Whole units, rounded away from zero. */
export function quantityValue(quantity: QuantityLike): number {
  return Number(roundUp(parseQuantity(quantity).nanos, NANO));
}

/** Thousandths (millicores), rounded away from zero. */
export function milliValue(quantity: QuantityLike): number {
  return Number(roundUp(parseQuantity(quantity).nanos, 1_000_000n));
}

/** Rounded away from zero to a multiple of one thousandth: what the API does to limits and requests. */
export function roundUpToMilli(quantity: QuantityLike): Quantity {
  const { nanos, format } = parseQuantity(quantity);
  return { nanos: roundUp(nanos, 1_000_000n) * 1_000_000n, format };
}

const roundUp = (value: bigint, by: bigint) => (value < 0n ? -divideUp(-value, by) : divideUp(value, by));
