import type { Job } from '@keelson/core';
import { parseIndexes } from './indexes.ts';

/** The message of the first rule of `successPolicy` (KEP-3998) that the succeeded indexes fulfil; undefined if none. */
export function matchSuccessPolicy({ spec }: Job, succeeded: ReadonlySet<number>): string | undefined {
  for (const [index, rule] of (spec.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes;
    const named = wanted === undefined ? undefined : parseIndexes(wanted, spec.completions ?? 0);
    const count = named === undefined ? succeeded.size : [...named].filter((each) => succeeded.has(each)).length;
    const enough = rule.succeededCount ?? named?.size;
    if (enough !== undefined && count >= enough) return `Matched rules at index ${index}`;
  }
  return undefined;
}
