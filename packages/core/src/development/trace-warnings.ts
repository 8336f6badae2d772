import type { ReconcileTrace, TracedRead } from '../controller/index.ts';
import type { DevelopmentWarning } from './warning.ts';

/** What changes nothing now and then is an operator that begins anew; from the same place so often it is a habit. */
const noOpsOfHabit = 3;
const mostPlaces = 1_000;
/** So many objects of one kind that are read one by one in a reconcile. */
const manyReads = 10;

/** Finds places that write what is there already. */
export class NoOpWrites {
  readonly #seen = new Map<string, number>();

  add({ controller, writes }: ReconcileTrace): readonly DevelopmentWarning[] {
    const found: DevelopmentWarning[] = [];
    for (const { noOp, verb, kind, key, line } of writes) {
      if (!noOp) continue;
      const place = line ?? `${verb} ${kind} of ${controller}`;
      const times = (this.#seen.get(place) ?? 0) + 1;
      if (times > 1 || this.#seen.size < mostPlaces) this.#seen.set(place, times);
      if (times !== noOpsOfHabit) continue;
      found.push({
        kind: 'no-op-write',
        place,
        message: `${controller} wrote what was there already, ${noOpsOfHabit} times: ${verb} of ${kind} ${key}${line === undefined ? '' : ` (${line})`} changed nothing`,
        advice:
          'compare with the cache before writing, or let `apply` and `setStatus` do it: each such write is a request that the API server decides, validates and answers',
      });
    }
    return found;
  }
}

/**
 * Finds reconciles that ask the server for many objects of one kind, one after the other, though they are in a cache.
 * @param isCached by kind
 */
export function singleReads(
  { controller, reads }: ReconcileTrace,
  isCached: (kind: string) => boolean,
): readonly DevelopmentWarning[] {
  const byPlace = new Map<string, { readonly first: TracedRead; readonly keys: Set<string> }>();
  for (const each of reads) {
    const { from, key, kind, line, error } = each;
    // What is not there cannot be in a cache.
    if (from !== 'server' || error !== undefined || key.endsWith('/*') || !isCached(kind)) continue;
    const place = line ?? `get ${kind} of ${controller}`;
    const known = byPlace.get(place);
    if (known) known.keys.add(key);
    else byPlace.set(place, { first: each, keys: new Set([key]) });
  }
  return [...byPlace]
    .filter(([, { keys }]) => keys.size >= manyReads)
    .map(
      ([
        place,
        {
          first: { kind, line },
          keys,
        },
      ]) => ({
        kind: 'single-reads',
        place,
        message: `${controller} asked the server for ${keys.size} objects of the kind ${kind} in one reconcile, one by one${line === undefined ? '' : ` (${line})`}, though a cache holds them`,
        advice: `read them from the cache: \`informers.for(${kind}).lister.get(key)\`, or \`get(${kind}, name)\` of an operator's context`,
      }),
    );
}
