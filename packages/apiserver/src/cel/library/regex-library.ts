import type { CelLibrary } from '../contract.ts';
import { intType, listType, stringType } from '../standard-types.ts';
import { CelArray } from '../value.ts';
import {
  type CallCost,
  multiplied,
  perCharacter,
  perPatternCharacter,
  sizeEstimate,
  sizeOf,
  times,
} from './cost-rules.ts';
import { method, named } from './declare.ts';
import { patternFor } from './go-regexp.ts';

const matchingCost: Required<CallCost> = {
  estimate: ([text, pattern]) => {
    const { min, max } = sizeEstimate(text);
    const read = times({ min: min + 1, max: max + 1 }, perCharacter);
    return { cost: multiplied(read, times(sizeEstimate(pattern), perPatternCharacter)) };
  },
  cost: ([text, pattern]) =>
    Math.ceil((sizeOf(text) + 1) * perCharacter) * Math.ceil(sizeOf(pattern) * perPatternCharacter),
};

/** No more comes out than went in. */
const findingCost: CallCost = {
  estimate: (args) => ({
    cost: matchingCost.estimate(args)?.cost ?? { min: 1, max: 1 },
    resultSize: { min: 0, max: sizeEstimate(args[0]).max },
  }),
  cost: matchingCost.cost,
};

const found = (texts: readonly string[]): CelArray => new CelArray(texts);

/** Kubernetes' functions for regular expressions: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library */
export const regexLibrary: CelLibrary = {
  name: 'kubernetes.regex',
  functions: [
    named(
      'find',
      method(
        'string_find_string',
        [stringType, stringType],
        stringType,
        (text, pattern) => patternFor(text, pattern).find(text) ?? '',
        findingCost,
      ),
    ),
    named(
      'findAll',
      method(
        'string_find_all_string',
        [stringType, stringType],
        listType(stringType),
        (text, pattern) => found(patternFor(text, pattern).findAll(text)),
        findingCost,
      ),
      method(
        'string_find_all_string_int',
        [stringType, stringType, intType],
        listType(stringType),
        (text, pattern, limit) => found(patternFor(text, pattern).findAll(text, limit < 0n ? -1 : Number(limit))),
        findingCost,
      ),
    ),
  ],
};
