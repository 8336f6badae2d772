import type { TwinCase } from './case.ts';
import type { Difference } from './diff.ts';
import { type MeantDifference, meantDifferences } from './meant-differences.ts';

/** The entry that excuses a difference. */
export function meantBy(
  { kind }: TwinCase,
  { path, expected, got }: Difference,
  entries: readonly MeantDifference[] = meantDifferences,
): MeantDifference | undefined {
  const fits = (pattern: RegExp | undefined, value: unknown) =>
    pattern === undefined || pattern.test(value === undefined ? 'absent' : JSON.stringify(value));
  return entries.find(
    (each) =>
      (each.kind === undefined || each.kind.test(kind)) &&
      each.path.test(path) &&
      fits(each.expected, expected) &&
      fits(each.got, got),
  );
}
