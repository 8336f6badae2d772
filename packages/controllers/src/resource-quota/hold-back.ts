import {
  compareQuantity,
  formatQuantity,
  parseQuantity,
  type ResourceQuota,
  type ResourceQuotaStatus,
} from '@keelson/core';

/**
 * Admission charges before the object is there, so that a count may miss what was charged a moment ago. The usage of a
 * resource is lowered to what is counted only when nobody has charged for it for this long. Until then it is lowered by
 * what was seen to go, which was certainly charged. Long, as a busy process may stand still for a good part of a second
 * with writes on their way; only what was charged and never written has to wait for it.
 */
export const quietMs = 5_000;

/** The resources of which less is used after than before. */
export const lowered = (
  before: ResourceQuotaStatus | undefined,
  after: ResourceQuotaStatus | undefined,
): readonly string[] =>
  Object.entries(before?.used ?? {})
    .filter(([name, used]) => after?.used?.[name] !== undefined && compareQuantity(after.used[name], used) < 0)
    .map(([name]) => name);

/**
 * What of a count may be written now, and in how many milliseconds there is more. `raised` tells by resource when usage
 * rose last, `released` what was seen to go since the last count, in billionths.
 */
export function holdBack(
  { status: before }: ResourceQuota,
  counted: ResourceQuotaStatus,
  known: {
    readonly raised: ReadonlyMap<string, number> | undefined;
    readonly released: ReadonlyMap<string, bigint>;
  },
  now: number,
): { readonly status: ResourceQuotaStatus; readonly wait?: number } {
  const waits = lowered(before, counted)
    .map((name) => ({ name, wait: (known.raised?.get(name) ?? -quietMs) + quietMs - now }))
    .filter(({ wait }) => wait > 0);
  if (waits.length === 0) return { status: counted };
  const held = Object.fromEntries(
    waits.map(({ name }) => {
      const used = parseQuantity(before?.used?.[name] ?? '0');
      const left = { ...used, nanos: used.nanos - (known.released.get(name) ?? 0n) };
      const least = counted.used?.[name] ?? '0';
      return [name, compareQuantity(left, least) > 0 ? formatQuantity(left) : least];
    }),
  );
  return {
    status: { ...counted, used: { ...counted.used, ...held } },
    wait: Math.min(...waits.map(({ wait }) => wait)),
  };
}
