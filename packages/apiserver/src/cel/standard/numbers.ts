import { CelError, CelUint, type CelValue } from '../value.ts';
import { int, uint } from './arithmetic.ts';

export const conversionError = (from: string, to: string): CelError =>
  new CelError(`type conversion error from '${from}' to '${to}'`);

/** The whole part of a double that an int can hold; the limits themselves are refused, as doubles cannot tell them. */
export function intFromDouble(value: number): bigint {
  if (!(Math.abs(value) < 2 ** 63)) throw new CelError('integer overflow');
  return BigInt(Math.trunc(value));
}

export function uintFromDouble(value: number): CelUint {
  if (!(value >= 0 && value < 2 ** 64)) throw new CelError('unsigned integer overflow');
  return new CelUint(BigInt(Math.trunc(value)));
}

const decimal = /^[+-]?[0-9]+$/;

/** Go's strconv.ParseInt in base 10. */
export function intFromText(text: string): bigint {
  if (!decimal.test(text) || text.length > 1000) throw conversionError('string', 'int');
  return converted(() => int(BigInt(text.startsWith('+') ? text.slice(1) : text)), 'int');
}

export function uintFromText(text: string): CelUint {
  if (!/^[0-9]+$/.test(text) || text.length > 1000) throw conversionError('string', 'uint');
  return converted(() => uint(BigInt(text)), 'uint');
}

function converted<T>(run: () => T, to: string): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof CelError) throw conversionError('string', to);
    throw error;
  }
}

const float = /^[+-]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9_]+)?$/;
const hexFloat = /^([+-]?)0[xX]([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9]+)$/;
const words = /^([+-]?)(?:inf|infinity)$/i;

/** Go's strconv.ParseFloat: decimal and hexadecimal, `inf` and `nan` in any case. */
export function doubleFromText(text: string): number {
  const infinite = words.exec(text);
  if (infinite) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const value = float.test(text) ? Number(text.replaceAll('_', '')) : fromHex(text);
  if (value === undefined || !Number.isFinite(value)) throw conversionError('string', 'double');
  return value;
}

function fromHex(text: string): number | undefined {
  const match = hexFloat.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', part = '', exponent = '0'] = match;
  const digits = (whole + part).replaceAll('_', '');
  if (digits === '') return undefined;
  const shift = Number(exponent) - 4 * part.replaceAll('_', '').length;
  const value = Number(BigInt(`0x${digits}`)) * 2 ** shift;
  return sign === '-' ? -value : value;
}

/** Go's strconv.FormatFloat with 'g' and the shortest digits: with an exponent below -4 and from 6 on. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 6) return withExponent(mantissa, exponent);
  return plainText(value);
}

function withExponent(mantissa: string, exponent: number): string {
  const size = Math.abs(exponent);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
}

/** All digits, without an exponent: Go's 'f'. */
export function plainText(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const [mantissa = '', power = '0'] = text.split('e');
  const exponent = Number(power);
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', part = ''] = mantissa.replace('-', '').split('.');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${whole}${part}`;
  return sign + whole + part.padEnd(exponent, '0');
}

/** As `string()` shows a number. */
export function numberText(value: CelValue): string | undefined {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof CelUint) return value.value.toString();
  return typeof value === 'number' ? doubleText(value) : undefined;
}
