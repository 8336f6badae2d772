import type { FieldErrors } from '../strategy.ts';

export function checkRange(field: string, value: number, from: number, to: number, errors: FieldErrors): void {
  if (value < from || value > to) errors.invalid(field, value, `must be between ${from} and ${to}, inclusive`);
}

export function checkPort(field: string, value: number, errors: FieldErrors): void {
  checkRange(field, value, 1, 65535, errors);
}

export function checkNonNegative(field: string, value: number | undefined, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(field, value, 'must be greater than or equal to 0');
}

export function checkOneOf(
  field: string,
  value: string | undefined,
  supported: readonly string[],
  errors: FieldErrors,
): void {
  if (value !== undefined && !supported.includes(value)) errors.notSupported(field, value, supported);
}

export function checkIp(field: string, value: string, errors: FieldErrors): boolean {
  if (isIp(value)) return true;
  errors.invalid(field, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  return false;
}

const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

export function isIp(text: string): boolean {
  return ipv4.test(text) || isIpv6(text);
}

export function isIpv6(text: string): boolean {
  if (!text.includes(':') || text.split('::').length > 2 || /:::/.test(text)) return false;
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const embedded = ipv4.test(last);
  const groups = (embedded ? parts.slice(0, -1) : parts).filter((each) => each !== '');
  if (!groups.every((each) => /^[0-9a-fA-F]{1,4}$/.test(each))) return false;
  const count = groups.length + (embedded ? 2 : 0);
  return text.includes('::') ? count < 8 : count === 8 && !/^:|:$/.test(text);
}
