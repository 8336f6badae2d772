import { CelType } from '../type.ts';
import { CelError, CelObject, type CelValue } from '../value.ts';
import { noSuchOverload } from './equality.ts';

export const semverType = new CelType<CelSemver>('object', 'kubernetes.Semver');

type Numbers = readonly [major: bigint, minor: bigint, patch: bigint];

/** A semantic version (semver.org 2.0.0) as a value of CEL. */
export class CelSemver extends CelObject {
  readonly numbers: Numbers;
  readonly #prerelease: readonly (bigint | string)[];

  constructor(numbers: Numbers, prerelease: readonly (bigint | string)[]) {
    super();
    this.numbers = numbers;
    this.#prerelease = prerelease;
  }

  get type(): CelType {
    return semverType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelSemver)) throw noSuchOverload();
    return this.compareTo(other) === 0;
  }

  /** By precedence: build metadata does not count, and a version comes after its prereleases. */
  compareTo(other: CelSemver): -1 | 0 | 1 {
    for (const [index, mine] of this.numbers.entries()) {
      const theirs = other.numbers[index] ?? 0n;
      if (mine !== theirs) return mine < theirs ? -1 : 1;
    }
    const [mine, theirs] = [this.#prerelease, other.#prerelease];
    if (mine.length === 0 || theirs.length === 0) {
      return mine.length === theirs.length ? 0 : mine.length === 0 ? 1 : -1;
    }
    for (let index = 0; index < mine.length && index < theirs.length; index++) {
      const difference = compareIdentifiers(mine[index] ?? '', theirs[index] ?? '');
      if (difference !== 0) return difference;
    }
    return mine.length === theirs.length ? 0 : mine.length < theirs.length ? -1 : 1;
  }
}

/** Numbers come before texts. */
function compareIdentifiers(left: bigint | string, right: bigint | string): -1 | 0 | 1 {
  if (typeof left !== typeof right) return typeof left === 'bigint' ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Reads a version; throws a `CelError` in Kubernetes' words. With `normalize`, a `v` and missing numbers are forgiven. */
export function celSemver(text: string, normalize = false): CelSemver {
  return parse(normalize ? normalized(text) : text);
}

export function isSemver(text: string, normalize = false): boolean {
  try {
    celSemver(text, normalize);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** Without `v` and leading zeros, and with three numbers. */
function normalized(text: string): string {
  const parts = splitAtMost(text.startsWith('v') ? text.slice(1) : text, '.', 3).map((part) => {
    if (part.length < 2) return part;
    const bare = part.replace(/^0+/, '');
    return /^[0-9]/.test(bare) ? bare : `0${bare}`;
  });
  if (parts.length >= 3) return parts.join('.');
  if (/[+-]/.test(parts.at(-1) ?? '')) {
    throw new CelError('short version cannot contain PreRelease/Build meta data');
  }
  return parts.join('.') + '.0'.repeat(3 - parts.length);
}

function splitAtMost(text: string, separator: string, most: number): string[] {
  const parts = text.split(separator);
  return parts.length <= most ? parts : [...parts.slice(0, most - 1), parts.slice(most - 1).join(separator)];
}

const names = ['Major', 'Minor', 'Patch'] as const;
const greatest = 2n ** 64n - 1n;
const alphanumeric = /^[0-9A-Za-z-]*$/;

function parse(text: string): CelSemver {
  if (text === '') throw new CelError('Version string empty');
  const parts = splitAtMost(text, '.', 3);
  if (parts.length !== 3) throw new CelError('No Major.Minor.Patch elements found');
  const [major = '', minor = '', rest = ''] = parts;
  const plus = rest.indexOf('+');
  const build = plus < 0 ? undefined : rest.slice(plus + 1);
  const unbuilt = plus < 0 ? rest : rest.slice(0, plus);
  const dash = unbuilt.indexOf('-');
  const prerelease = dash < 0 ? undefined : unbuilt.slice(dash + 1);
  const patch = dash < 0 ? unbuilt : unbuilt.slice(0, dash);
  const numbers: Numbers = [numberOf(major, 0), numberOf(minor, 1), numberOf(patch, 2)];
  const identifiers = prerelease?.split('.').map(identifierOf) ?? [];
  for (const each of build?.split('.') ?? []) {
    if (each === '') throw new CelError('Build meta data is empty');
    if (!alphanumeric.test(each)) throw new CelError(`Invalid character(s) found in build meta data "${each}"`);
  }
  return new CelSemver(numbers, identifiers);
}

function numberOf(text: string, index: 0 | 1 | 2): bigint {
  if (/[^0-9]/.test(text)) {
    throw new CelError(`Invalid character(s) found in ${names[index].toLowerCase()} number "${text}"`);
  }
  if (text.length > 1 && text.startsWith('0')) {
    throw new CelError(`${names[index]} number must not contain leading zeroes "${text}"`);
  }
  if (text === '') throw new CelError('strconv.ParseUint: parsing "": invalid syntax');
  return within(text);
}

function within(text: string): bigint {
  const value = text.length > 20 ? greatest + 1n : BigInt(text);
  if (value > greatest) throw new CelError(`strconv.ParseUint: parsing "${text}": value out of range`);
  return value;
}

function identifierOf(text: string): bigint | string {
  if (text === '') throw new CelError('Prerelease is empty');
  if (/^[0-9]+$/.test(text)) {
    if (text.length > 1 && text.startsWith('0')) {
      throw new CelError(`Numeric PreRelease version must not contain leading zeroes "${text}"`);
    }
    return within(text);
  }
  if (!alphanumeric.test(text)) throw new CelError(`Invalid character(s) found in prerelease "${text}"`);
  return text;
}
