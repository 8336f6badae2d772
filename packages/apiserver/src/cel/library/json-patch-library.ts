import type { CelLibrary } from '../contract.ts';
import { stringType } from '../standard-types.ts';
import { perCharacter, readingCost, sizeEstimate } from './cost-rules.ts';
import { call, named } from './declare.ts';

/** A key as a part of a JSON pointer (RFC 6901). */
const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const escapingCost = readingCost(0, perCharacter, ([key]) => sizeEstimate(key));

/** What mutating policies have besides. */
export const jsonPatchLibrary: CelLibrary = {
  name: 'kubernetes.jsonpatch',
  functions: [
    named(
      'jsonpatch.escapeKey',
      call('string_jsonpatch_escapeKey_string', [stringType], stringType, escapeKey, escapingCost),
    ),
  ],
};
