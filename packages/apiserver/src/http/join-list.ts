import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject } from '@keelson/core';
import type { EncodedObject, ListAnswer } from '../registry/contract.ts';
import { listFrame, messageBytes } from './protobuf/envelope.ts';

/** A long body in pieces; whoever reads them decides the pace. */
export type Pieces = AsyncIterable<Buffer>;

/** Lists of no more items than this are put together at once. */
const smallList = 200;
/** The size of a piece in bytes. */
const pieceBytes = 256 * 1024;
/** After so many items others get their turn. */
const turnAfter = 250;

/** Joins what is encoded already. Items of a built-in list go without `kind` and `apiVersion`. */
export function joinJson(answer: ListAnswer, keepType: boolean): Uint8Array | Pieces {
  const head = { kind: answer.kind, apiVersion: answer.apiVersion, metadata: answer.metadata };
  const beginning = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  const prefix = prefixFor(answer.kind.replace(/List$/, ''), answer.apiVersion);
  const writeItem = (item: EncodedObject, index: number, parts: Uint8Array[]) => {
    if (index > 0) parts.push(comma);
    if (keepType) parts.push(withoutNewline(item.json));
    else pushWithoutType(parts, item, prefix);
  };
  return join(answer.items, beginning, writeItem, listEnd);
}

/** As `joinJson`, of messages: their lengths must be known before the first is written. */
export async function joinProtobuf({ apiVersion, kind, metadata, items }: ListAnswer): Promise<Uint8Array | Pieces> {
  const lengths: number[] = new Array(items.length);
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const known = item?.protobuf !== undefined;
    lengths[index] = item ? messageBytes(item).length : 0;
    if (!known && index % turnAfter === turnAfter - 1) await turnOfEventLoop();
  }
  const frame = listFrame({ apiVersion, kind }, metadata, lengths);
  const writeItem = (item: EncodedObject, _index: number, parts: Uint8Array[]) => {
    const message = messageBytes(item);
    parts.push(frame.itemHead(message.length), message);
  };
  return join(items, frame.head, writeItem, frame.end);
}

function join(
  items: readonly EncodedObject[],
  head: Uint8Array,
  writeItem: (item: EncodedObject, index: number, parts: Uint8Array[]) => void,
  end: Uint8Array,
): Uint8Array | Pieces {
  if (items.length > smallList) return pieces(items, head, writeItem, end);
  const parts = [head];
  for (const [index, item] of items.entries()) writeItem(item, index, parts);
  parts.push(end);
  return Buffer.concat(parts);
}

async function* pieces(
  items: readonly EncodedObject[],
  head: Uint8Array,
  writeItem: (item: EncodedObject, index: number, parts: Uint8Array[]) => void,
  end: Uint8Array,
): AsyncIterable<Buffer> {
  let parts = [head];
  let size = head.length;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const from = parts.length;
    if (item) writeItem(item, index, parts);
    for (let at = from; at < parts.length; at++) size += parts[at]?.length ?? 0;
    if (size < pieceBytes) continue;
    yield Buffer.concat(parts, size);
    parts = [];
    size = 0;
  }
  parts.push(end);
  yield Buffer.concat(parts);
}

const comma = Buffer.from(',');
const brace = Buffer.from('{');
const listEnd = Buffer.from(']}\n');

const withoutNewline = (json: Uint8Array) => (json.at(-1) === 0x0a ? json.subarray(0, -1) : json);

/** What built-in objects begin with, by kind: in a list it is left out. */
const prefixes = new Map<string, Buffer>();

function prefixFor(kind: string, apiVersion: string): Buffer {
  const key = `${apiVersion}/${kind}`;
  let prefix = prefixes.get(key);
  if (!prefix) {
    prefix = Buffer.from(`{"kind":"${kind}","apiVersion":"${apiVersion}",`);
    prefixes.set(key, prefix);
  }
  return prefix;
}

function pushWithoutType(parts: Uint8Array[], item: EncodedObject, prefix: Buffer): void {
  const pieces = item.jsonPieces?.();
  const first = pieces?.[0] ?? withoutNewline(item.json);
  if (prefix.compare(first, 0, Math.min(prefix.length, first.length)) !== 0) {
    parts.push(Buffer.from(JSON.stringify(withoutType(item.object))));
    return;
  }
  parts.push(brace, first.subarray(prefix.length));
  if (pieces) parts.push(pieces[1], pieces[2]);
}

export function withoutType(object: KubernetesObject): Omit<KubernetesObject, 'apiVersion' | 'kind'> {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return rest;
}
