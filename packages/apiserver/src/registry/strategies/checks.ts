import { type LabelSelector, validateLabelSelector, validateLabelValue, validateQualifiedName } from '@keelson/core';
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

/** Finds what `validateLabels` of the machinery finds, without making arrays for what is good. */
export function checkLabels(
  labels: Readonly<Record<string, string>> | undefined,
  at: string,
  errors: FieldErrors,
): void {
  if (labels === undefined) return;
  // Kubernetes walks Go maps here, in no order; ours is that of the request.
  for (const key of Object.keys(labels)) {
    errors.rule(at, key, validateQualifiedName(key));
    const value = labels[key] ?? '';
    errors.rule(at, value, validateLabelValue(value));
  }
}

export function checkSelector(selector: LabelSelector | undefined, at: string, errors: FieldErrors): void {
  if (selector) errors.list.push(...validateLabelSelector(selector, at));
}

export function checkQualifiedName(value: string, at: string, errors: FieldErrors): void {
  errors.rule(at, value, validateQualifiedName(value));
}

const backsteps = (path: string) => path.split('/').includes('..');

export function checkNoBacksteps(path: string, at: string, errors: FieldErrors): void {
  if (backsteps(path)) errors.invalid(at, path, "must not contain '..'");
}

/** A path below some directory. */
export function checkDescendingPath(path: string, at: string, errors: FieldErrors): void {
  if (path.startsWith('/')) errors.invalid(at, path, 'must be a relative path');
  checkNoBacksteps(path, at, errors);
}

/** The same, where names that begin with two dots are the kubelet's own. */
export function checkNonReservedPath(path: string, at: string, errors: FieldErrors): void {
  checkDescendingPath(path, at, errors);
  if (path.startsWith('..')) errors.invalid(at, path, "must not start with '..'");
}

/** IDs of users and groups. */
export function checkId(at: string, value: number | undefined, errors: FieldErrors): void {
  if (value !== undefined) checkRange(at, value, 0, 2147483647, errors);
}

/** Required and unknown are two different findings. */
export function checkGiven(
  field: string,
  value: string | undefined,
  supported: readonly string[],
  errors: FieldErrors,
  why = '',
): void {
  if (!value) errors.required(field, why);
  else if (!supported.includes(value)) errors.notSupported(field, value, supported);
}
