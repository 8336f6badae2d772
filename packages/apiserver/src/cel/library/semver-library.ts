import type { CelLibrary } from '../contract.ts';
import { boolType, intType, stringType } from '../standard-types.ts';
import { readingCost } from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { celSemver, isSemver, semverType as semver } from './semver.ts';

const parts = ['major', 'minor', 'patch'] as const;

/** Kubernetes' functions for semantic versions: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-semver-library */
export const semverLibrary: CelLibrary = {
  name: 'kubernetes.Semver',
  functions: [
    named(
      'semver',
      call('string_to_semver', [stringType], semver, (text) => celSemver(text), readingCost(0)),
      call('string_bool_to_semver', [stringType, boolType], semver, celSemver, readingCost(0)),
    ),
    named(
      'isSemver',
      call('is_semver_string', [stringType], boolType, (text) => isSemver(text), readingCost(0)),
      call('is_semver_string_bool', [stringType, boolType], boolType, isSemver, readingCost(0)),
    ),
    ...parts.map((name, index) =>
      named(
        name,
        // Kubernetes puts its 64 bits without sign into CEL's with sign.
        method(`semver_${name}`, [semver], intType, ({ numbers }) => BigInt.asIntN(64, numbers[index] ?? 0n)),
      ),
    ),
    named(
      'isGreaterThan',
      method('semver_is_greater_than', [semver, semver], boolType, (left, right) => left.compareTo(right) > 0),
    ),
    named(
      'isLessThan',
      method('semver_is_less_than', [semver, semver], boolType, (left, right) => left.compareTo(right) < 0),
    ),
    named(
      'compareTo',
      method('semver_compare_to', [semver, semver], intType, (left, right) => BigInt(left.compareTo(right))),
    ),
  ],
};
