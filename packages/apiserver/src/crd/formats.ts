import { validateDnsLabel, validateDnsSubdomain } from '@keelson/core';
import { isIp, isIpv6 } from '../registry/strategies/checks.ts';

const dateTime = (text: string) =>
  /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.test(text) &&
  !Number.isNaN(Date.parse(text));

const sumOf = (digits: string, weigh: (digit: number, at: number) => number) =>
  [...digits].reduce((sum, each, at) => sum + weigh(each === 'X' ? 10 : Number(each), at), 0);

/** ISO 2108. */
const isIsbn10 = (text: string) => {
  const digits = text.replace(/[\s-]+/g, '');
  return /^\d{9}[\dX]$/.test(digits) && sumOf(digits, (digit, at) => (at + 1) * digit) % 11 === 0;
};
const isIsbn13 = (text: string) => {
  const digits = text.replace(/[\s-]+/g, '');
  return /^\d{13}$/.test(digits) && sumOf(digits, (digit, at) => (at % 2 === 0 ? 1 : 3) * digit) % 10 === 0;
};

const card =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11}|6[27]\d{14})$/;

/** The digits of a known issuer with the check sum of ISO/IEC 7812; what stands between them does not matter. */
function isCard(text: string): boolean {
  const digits = text.replace(/\D+/g, '');
  const doubled = (digit: number) => (digit > 4 ? 2 * digit - 9 : 2 * digit);
  const weigh = (digit: number, at: number) => ((digits.length - at) % 2 === 0 ? doubled(digit) : digit);
  return card.test(digits) && sumOf(digits, weigh) % 10 === 0;
}

const hostLabel = '[a-zA-Z0-9\\p{S}\\p{L}]';
const host = new RegExp(
  `^(?:${hostLabel}-?${hostLabel}{0,62}|(?:${hostLabel}(?:[a-zA-Z0-9\\-\\p{S}\\p{L}]{0,61}${hostLabel})?\\.)+[a-zA-Z\\p{L}]{2,63})$`,
  'u',
);
const isHost = (text: string) =>
  host.test(text) && Buffer.byteLength(text) <= 255 && text.split('.').every((each) => Buffer.byteLength(each) <= 63);

const goDuration = /^[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$/;
const units = /^(ns|nano.*|us|µs|micro.*|ms|milli.*|s|sec.*|m|min.*|h|hr|hour.*|d|day.*|w|wk|week.*)$/i;

/** Go's durations, or any text that holds a number with a unit somewhere. */
const isDuration = (text: string) =>
  goDuration.test(text) || [...text.matchAll(/\d+\s*([A-Za-zµ]+)/g)].some(([, unit = '']) => units.test(unit));

const color = '\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*';
const rgb = new RegExp(`^rgb\\(${color},${color},${color}\\)$`);

const mac =
  /^([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{40}|[0-9a-f]{2}(:[0-9a-f]{2}){5}|[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{2}(:[0-9a-f]{2}){7}|[0-9a-f]{2}(-[0-9a-f]{2}){7}|[0-9a-f]{2}(:[0-9a-f]{2}){19}|[0-9a-f]{2}(-[0-9a-f]{2}){19}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}|[0-9a-f]{4}(\.[0-9a-f]{4}){3}|[0-9a-f]{4}(\.[0-9a-f]{4}){9})$/i;

const address = /^("[^"]*"|[^\s@<>"]+)@[^\s@<>]+$/;
const named = /^[^<>@]*<(.*)>$/;

const tests: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': dateTime,
  datetime: dateTime,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)),
  email: (text) => address.test(named.exec(text)?.[1] ?? text),
  ipv4: (text) => isIp(text) && !isIpv6(text),
  ipv6: isIpv6,
  cidr: (text) => {
    const [address = '', bits = ''] = text.split('/');
    return isIp(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (isIpv6(address) ? 128 : 32);
  },
  uri: (text) => text.startsWith('/') || /^[a-z][-+.a-z0-9]*:/i.test(text),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid3: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  uuid4: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  uuid5: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i.test(text),
  hostname: isHost,
  mac: (text) => mac.test(text),
  byte: (text) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/.test(text),
  duration: isDuration,
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCard,
  ssn: (text) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
  hexcolor: (text) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  rgbcolor: (text) => rgb.test(text),
  'k8s-short-name': (text) => validateDnsLabel(text).length === 0,
  'k8s-long-name': (text) => validateDnsSubdomain(text).length === 0,
};

/** Whether a text is of a format; formats that Kubernetes does not check are never wrong. */
export function hasFormat(format: string, text: string): boolean {
  return tests[format]?.(text) ?? true;
}

/** Whether a format of texts means something: of others clients are warned. */
export const isKnownFormat = (format: string): boolean => format === 'password' || Object.hasOwn(tests, format);
