import { validateCIdentifier, validateDnsLabel, validateDnsSubdomain } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkDeviceExpression } from './device-expressions.ts';
import type { DeviceConfig, Selector } from './types.ts';

/** How a list is looked at: of how many at most, and what no two may have the same. */
export interface ListRules<T> {
  readonly most?: number;
  /** What tells elements apart; undefined: nothing does. */
  readonly keyOf?: (each: T) => string;
  /** What an error says of one that is there twice. Default: its key. */
  readonly shown?: (each: T) => unknown;
}

/**
 * What is wrong with each element, and then what is there twice. Of a list that is too long nothing else is said, as by
 * Kubernetes.
 */
export function checkList<T>(
  list: readonly T[] | undefined,
  at: string,
  errors: FieldErrors,
  { most = Number.POSITIVE_INFINITY, keyOf, shown = keyOf }: ListRules<T>,
  check: (each: T, at: string) => void,
): void {
  if (!list) return;
  if (list.length > most) {
    errors.tooMany(at, list.length, most);
    return;
  }
  list.forEach((each, index) => {
    check(each, `${at}[${index}]`);
  });
  if (!keyOf) return;
  const seen = new Set<string>();
  list.forEach((each, index) => {
    const key = keyOf(each);
    if (seen.has(key)) errors.duplicate(`${at}[${index}]`, shown?.(each));
    seen.add(key);
  });
}

export function checkDriver(name: string, at: string, errors: FieldErrors): void {
  if (name === '') {
    errors.required(at);
    return;
  }
  if (name.length > 63) errors.tooLong(at, 63);
  errors.rule(at, name, validateDnsSubdomain(name.toLowerCase()));
}

/** Segments that are DNS names, with slashes between. */
export function checkPool(name: string, at: string, errors: FieldErrors): void {
  if (name === '') {
    errors.required(at);
    return;
  }
  if (name.length > 253) errors.tooLong(at, 253);
  for (const part of name.split('/')) errors.rule(at, part, validateDnsSubdomain(part));
}

export function checkName(name: string, at: string, errors: FieldErrors): void {
  errors.rule(at, name, validateDnsLabel(name));
}

/** `name` or `domain/name`: of attributes and capacities. */
export function checkQualified(name: string, at: string, errors: FieldErrors): void {
  const parts = name.split('/');
  const [domain, identifier] = [parts[0] ?? '', parts[1] ?? ''];
  if (parts.length === 1) {
    checkIdentifier(domain, at, errors);
    return;
  }
  if (parts.length > 2) return;
  if (domain === '') errors.invalid(at, '', 'the domain must not be empty');
  else checkDriver(domain, at, errors);
  if (identifier === '') errors.invalid(at, '', 'the name must not be empty');
  else checkIdentifier(identifier, at, errors);
}

function checkIdentifier(name: string, at: string, errors: FieldErrors): void {
  if (name.length > 32) errors.tooLong(at, 32);
  errors.rule(at, name, validateCIdentifier(name));
}

/** References to them have a domain always. */
export function checkReferenced(name: string, at: string, errors: FieldErrors): void {
  checkQualified(name, at, errors);
  if (!name.includes('/'))
    errors.invalid(at, name, 'a fully qualified name must be a domain and a name separated by a slash');
}

export function checkSelectors(selectors: readonly Selector[] | undefined, at: string, errors: FieldErrors): void {
  checkList(selectors, at, errors, { most: 32 }, ({ cel }, each) => {
    const here = `${each}.cel`;
    if (!cel) {
      errors.required(here);
      return;
    }
    const { expression = '' } = cel;
    if (expression.length > 10 * 1024) errors.tooLong(`${here}.expression`, 10 * 1024);
    else checkDeviceExpression(expression, `${here}.expression`, errors);
  });
}

const isJsonObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Raw JSON of somebody else. */
export function checkRaw(value: unknown, at: string, errors: FieldErrors, most = 10 * 1024): void {
  if (value === undefined || value === null) {
    errors.required(at);
    return;
  }
  if (JSON.stringify(value).length > most) {
    errors.tooLong(at, most);
    return;
  }
  if (!isJsonObject(value)) errors.invalid(at, '<value omitted>', 'must be a valid JSON object');
}

export function checkConfig({ opaque }: DeviceConfig, at: string, errors: FieldErrors): void {
  if (!opaque) {
    errors.required(`${at}.opaque`);
    return;
  }
  checkDriver(opaque.driver ?? '', `${at}.opaque.driver`, errors);
  checkRaw(opaque.parameters, `${at}.opaque.parameters`, errors);
}
