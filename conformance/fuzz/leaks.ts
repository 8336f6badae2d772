import type { Exchange } from './exchange.ts';

/** What a server says of its own size. */
export interface Sizes {
  /** By resource. */
  readonly objects: ReadonlyMap<string, number>;
  /** Handles and requests of the event loop, by type. */
  readonly resources: ReadonlyMap<string, number>;
  readonly openWatches: number;
  readonly inflight: number;
  readonly heapBytes: number;
}

/** Reads `/metrics`. */
export async function sizesOf(exchange: Exchange): Promise<Sizes> {
  const { body } = await exchange.send({ method: 'GET', target: '/metrics', headers: [], framing: 'length' });
  const text = body.toString('utf8');
  const by = (name: string, label: string) =>
    new Map(
      [...text.matchAll(new RegExp(`^${name}\\{[^}]*${label}="([^"]*)"[^}]*\\} (\\S+)$`, 'gm'))].map(
        ([, key = '', value]) => [key, Number(value)] as const,
      ),
    );
  const sum = (name: string) =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    );
  return {
    objects: by('apiserver_storage_objects', 'resource'),
    resources: by('nodejs_active_resources', 'type'),
    openWatches: sum('apiserver_longrunning_requests'),
    inflight: sum('apiserver_current_inflight_requests'),
    heapBytes: sum('nodejs_heap_size_used_bytes'),
  };
}

/** Objects that were looked into lately are kept decoded, in up to half of a heap of 1 GB. */
const mostKeptBytes = 600 * 1024 * 1024;

/** What is there after all is over that was not before, and should not be; a sentence each. */
export function leaks(before: Sizes, after: Sizes): string[] {
  const found: string[] = [];
  if (after.openWatches > before.openWatches)
    found.push(`${after.openWatches - before.openWatches} watches or streams are open`);
  if (after.inflight > before.inflight) found.push(`${after.inflight - before.inflight} requests are in flight`);
  for (const [type, count] of after.resources) {
    const grown = count - (before.resources.get(type) ?? 0);
    if (grown > 20) found.push(`${grown} more of ${type}`);
  }
  if (after.heapBytes - before.heapBytes > mostKeptBytes) {
    found.push(`the heap grew by ${Math.round((after.heapBytes - before.heapBytes) / 1024 / 1024)} MB`);
  }
  return found;
}
