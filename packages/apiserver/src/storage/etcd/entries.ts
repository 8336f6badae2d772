import type { StorageEvent, StoredEntry } from '../contract.ts';
import { type Message, numberOf } from './messages.ts';

const none = new Uint8Array();

/** The value is a copy: what gRPC hands over is a piece of the whole answer. */
export function entryOf({ key, value, create_revision, mod_revision }: Message<'KeyValue'>): StoredEntry {
  return {
    key: keyText(key),
    value: value && value.length > 0 ? Buffer.from(value) : none,
    createRevision: numberOf(create_revision),
    modRevision: numberOf(mod_revision),
  };
}

/** Without what was there before, unless etcd was asked to tell. */
export function eventOf({ type = 0, kv = {}, prev_kv }: Message<'Event'>): StorageEvent {
  const previous = prev_kv && { previous: entryOf(prev_kv) };
  if (type === 1) return { type: 'delete', key: keyText(kv.key), revision: numberOf(kv.mod_revision), ...previous };
  const entry = entryOf(kv);
  return { type: 'put', key: entry.key, revision: entry.modRevision, entry, ...previous };
}

const keyText = (key: Uint8Array | undefined) => Buffer.from(key ?? none).toString();

export interface KeyRange {
  readonly key: Uint8Array;
  readonly range_end: Uint8Array;
}

/** All keys with a prefix, from `from` (inclusive) on. */
export function rangeOf(prefix: string, from = prefix): KeyRange {
  const end = Buffer.from(prefix);
  let last = end.length - 1;
  while (last >= 0 && end[last] === 0xff) last--;
  if (last < 0) return { key: Buffer.from(from || '\0'), range_end: Buffer.from('\0') };
  end[last] = (end[last] ?? 0) + 1;
  return { key: Buffer.from(from > prefix ? from : prefix), range_end: end.subarray(0, last + 1) };
}
