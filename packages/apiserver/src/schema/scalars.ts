import { canonicalQuantity, formatQuantity, parseQuantity, roundUpToMilli } from '@keelson/core';
import { describeJson } from './decode-error.ts';
import type { Findings } from './findings.ts';
import { NumberText } from './number-text.ts';
import { parseTime } from './times.ts';

/** Decodes one value that is not null. `undefined` where it does not fit; the findings then know. */
export type ScalarDecoder = (value: unknown, findings: Findings) => unknown;

export function stringDecoder(goType: string): ScalarDecoder {
  return (value, findings) => {
    if (typeof value === 'string') return value;
    findings.mismatch(describeJson(value), goType);
    return undefined;
  };
}

export function booleanDecoder(goType: string): ScalarDecoder {
  return (value, findings) => {
    if (typeof value === 'boolean') return value;
    findings.mismatch(describeJson(value), goType);
    return undefined;
  };
}

export function floatDecoder(goType: string): ScalarDecoder {
  return (value, findings) => {
    if (typeof value === 'number') return value;
    if (value instanceof NumberText) {
      const number = Number(value.text);
      if (Number.isFinite(number)) return number;
      findings.mismatch(`number ${value.text}`, goType);
    } else findings.mismatch(describeJson(value), goType);
    return undefined;
  };
}

/** The largest int64 that a JavaScript number and its text in JSON both stand for. */
const largestInteger = 2 ** 63 - 1024;

/** `limit` is 2^31 or 2^63. `fatal`: the value's own decoder fails, which ends decoding. */
export function integerDecoder(goType: string, limit: number, fatal?: 'fatal'): ScalarDecoder {
  return (value, findings) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= -limit && value < limit) return value;
    if (value instanceof NumberText || typeof value === 'number') {
      const text = value instanceof NumberText ? value.text : numberText(value);
      if (/^-?\d+$/.test(text)) {
        const exact = BigInt(text);
        const most = BigInt(limit);
        if (exact >= -most && exact < most) return Math.min(Number(text), largestInteger);
      }
      findings.mismatch(`number ${text}`, goType, fatal);
    } else findings.mismatch(describeJson(value), goType, fatal);
    return undefined;
  };
}

const numberText = (value: number) => (Number.isInteger(value) ? BigInt(value).toString() : String(value));

/** `IntOrString`: what is no text must be an int32. */
export const intOrString: ScalarDecoder = (value, findings) =>
  typeof value === 'string' ? value : portNumber(value, findings);
const portNumber = integerDecoder('int32', 2 ** 31, 'fatal');

const badQuantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/** A text that is canonical as it stands, as nearly all are: no need to take it apart. */
const canonical = /^(?:0|[1-9]\d{0,2}(?:m|k|M|G|T)?)$/;

export const quantity: ScalarDecoder = (value, findings) => {
  if (typeof value === 'string' && canonical.test(value)) return value;
  const text = value instanceof NumberText ? value.text : value;
  if (typeof text !== 'string' && typeof text !== 'number') {
    findings.problem(badQuantity, 'fatal');
    return undefined;
  }
  try {
    return canonicalQuantity(text);
  } catch (error) {
    findings.problem(error instanceof Error ? error.message : badQuantity, 'fatal');
    return undefined;
  }
};

const mayBeFiner = /[un.]|[eE]-/;
const milli = 1_000_000n;

/** An amount in a list of resources: never finer than a thousandth. */
export const resourceAmount: ScalarDecoder = (value, findings) => {
  const text = quantity(value, findings);
  if (typeof text !== 'string' || !mayBeFiner.test(text)) return text;
  return parseQuantity(text).nanos % milli === 0n ? text : formatQuantity(roundUpToMilli(text));
};

/** `metav1.Time`: whole seconds in UTC; null stands for the zero time. */
export const time: ScalarDecoder = timeDecoder('seconds');
/** `metav1.MicroTime`: six decimals in UTC. */
export const microTime: ScalarDecoder = timeDecoder('micros');

function timeDecoder(precision: 'seconds' | 'micros'): ScalarDecoder {
  return (value, findings) => {
    if (typeof value !== 'string') {
      findings.mismatch(describeJson(value), 'string', 'fatal');
      return undefined;
    }
    const parsed = parseTime(value, precision);
    if (typeof parsed === 'string') return parsed === zeroTime[precision] ? null : parsed;
    findings.problem(parsed.problem, 'fatal');
    return undefined;
  };
}
const zeroTime = { seconds: '0001-01-01T00:00:00Z', micros: '0001-01-01T00:00:00.000000Z' } as const;

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Base64; or, as Go takes it, a list of bytes. */
export const bytesDecoder: ScalarDecoder = (value, findings) => {
  if (Array.isArray(value)) return listedBytes(value, findings);
  if (typeof value !== 'string') {
    findings.mismatch(describeJson(value), '[]uint8');
    return undefined;
  }
  const text = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (base64.test(text)) return lastBitsCleared(text);
  findings.problem(`illegal base64 data at input byte ${firstBad(value)}`, 'mismatch');
  return undefined;
};

function listedBytes(values: readonly unknown[], findings: Findings): string {
  const bytes = values.map((each, index) => {
    if (each === null) return 0;
    const start = findings.count;
    const decoded = byte(each, findings);
    if (findings.count !== start) findings.inElement(start, `[${index}]`);
    return typeof decoded === 'number' ? decoded : 0;
  });
  return Buffer.from(bytes).toString('base64');
}

const anyInteger = integerDecoder('uint8', 2 ** 63);
const byte: ScalarDecoder = (value, findings) => {
  const decoded = anyInteger(value, findings);
  if (typeof decoded !== 'number' || (decoded >= 0 && decoded < 256)) return decoded;
  findings.mismatch(`number ${value instanceof NumberText ? value.text : decoded}`, 'uint8');
  return undefined;
};

/** Bits beyond the last byte are lost when bytes are written again. */
function lastBitsCleared(text: string): string {
  if (!text.endsWith('=')) return text;
  return Buffer.from(text.slice(-4), 'base64').toString('base64') === text.slice(-4)
    ? text
    : Buffer.from(text, 'base64').toString('base64');
}

/** Where Go's decoder gives up: at what is no digit, at padding out of place, or where the last group begins. */
function firstBad(text: string): number {
  let length = 0;
  let group = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\r' || character === '\n') continue;
    if (/[A-Za-z0-9+/]/.test(character)) {
      if (length % 4 === 0) group = at;
      length++;
      continue;
    }
    if (character !== '=' || length % 4 < 2) return at;
    const rest = text.slice(at + 1).replace(/^[\r\n]+/, '');
    if (length % 4 === 3) return text.length - rest.length;
    if (rest === '') return text.length;
    return text.length - rest.length + (rest.startsWith('=') ? 1 : -1);
  }
  return group;
}
