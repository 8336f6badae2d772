import type { ObjectKey } from '../machinery/index.ts';

/** What one shard is made of: single objects, or all objects of a namespace (in one cluster). */
export type ShardUnit = 'object' | 'namespace';

/** In which of so many shards a key is: the same in every process, for ever. */
export function shardOf(key: ObjectKey, shards: number, by: ShardUnit = 'object'): number {
  const slash = by === 'namespace' ? key.lastIndexOf('/') : -1;
  return hash(slash < 0 ? key : key.slice(0, slash)) % shards;
}

/**
 * Who is to have which shard: by the highest hash of both (rendezvous hashing), but nobody more than a fair part. Whoever
 * knows the same members comes to the same, in whatever order they are told; of a member that goes or comes, most other
 * shards take no notice.
 */
export function assignShards(shards: number, members: readonly string[]): readonly (string | undefined)[] {
  const room = Math.ceil(shards / members.length);
  const had = new Map<string, number>();
  return Array.from({ length: shards }, (_, shard) => {
    const ranked = members.map((name) => ({ name, rank: hash(`${name}/${shard}`) })).sort(byRank);
    const first = ranked.find(({ name }) => (had.get(name) ?? 0) < room);
    if (first) had.set(first.name, (had.get(first.name) ?? 0) + 1);
    return first?.name;
  });
}

interface Ranked {
  readonly name: string;
  readonly rank: number;
}

function byRank(one: Ranked, other: Ranked): number {
  return other.rank - one.rank || (one.name < other.name ? -1 : 1);
}

/** FNV-1a over UTF-16 units, mixed once more so that neighbours part (the finalizer of MurmurHash3). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
