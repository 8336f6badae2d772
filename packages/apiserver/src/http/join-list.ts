import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import type { KubernetesObject } from '@keelson/core';
import type { EncodedObject, ListAnswer } from '../registry/contract.ts';
import { listFrame } from './protobuf/envelope.ts';

/** A long body in pieces; whoever reads them decides the pace. */
export type Pieces = AsyncIterable<Buffer>;

/** Lists of no more items than this are put together at once. */
const smallList = 200;
/** The size of a piece in bytes. */
const pieceBytes = 256 * 1024;
/** After so many items others get their turn. */
const turnAfter = 250;

/** What a list says of itself. */
type ListHead = Pick<ListAnswer, 'kind' | 'apiVersion' | 'metadata'>;

/** Joins what is encoded already. Items of a built-in list go without `kind` and `apiVersion`. */
export function joinJson(answer: ListAnswer, keepType: boolean): Uint8Array | Pieces {
  const { kind, apiVersion, metadata, items } = answer;
  const prefix = prefixFor(answer.kind.replace(/List$/, ''), answer.apiVersion);
  return joinPieces({ kind, apiVersion, metadata }, items, (item) =>
    keepType ? [withoutNewline(item.json)] : withoutTypePieces(item, prefix),
  );
}

/** A list in JSON of what each item is in pieces. */
export function joinPieces(
  head: ListHead,
  items: readonly EncodedObject[],
  piecesOf: (item: EncodedObject) => readonly Uint8Array[],
): Uint8Array | Pieces {
  const beginning = Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`);
  const writeItem = (item: EncodedObject, index: number, parts: Uint8Array[]) => {
    if (index > 0) parts.push(comma);
    parts.push(...piecesOf(item));
  };
  return join(items, beginning, writeItem, listEnd);
}

/** A list in protobuf of the items' messages: their lengths must be known before the first is written. */
export async function joinProtobuf(
  { apiVersion, kind, metadata }: ListHead,
  items: readonly EncodedObject[],
  messageOf: (item: EncodedObject) => Uint8Array,
): Promise<Uint8Array | Pieces> {
  const messages: Uint8Array[] = [];
  for (const item of items) {
    messages.push(messageOf(item));
    if (messages.length % turnAfter === 0) await turnOfEventLoop();
  }
  const lengths = messages.map((each) => each.length);
  const frame = listFrame({ apiVersion, kind }, metadata, lengths);
  const writeItem = (message: Uint8Array, _index: number, parts: Uint8Array[]) => {
    parts.push(frame.itemHead(message.length), message);
  };
  return join(messages, frame.head, writeItem, frame.end);
}

function join<I>(
  items: readonly I[],
  head: Uint8Array,
  writeItem: (item: I, index: number, parts: Uint8Array[]) => void,
  end: Uint8Array,
): Uint8Array | Pieces {
  if (items.length > smallList) return pieces(items, head, writeItem, end);
  const parts = [head];
  for (const [index, item] of items.entries()) writeItem(item, index, parts);
  parts.push(end);
  return Buffer.concat(parts);
}

async function* pieces<I>(
  items: readonly I[],
  head: Uint8Array,
  writeItem: (item: I, index: number, parts: Uint8Array[]) => void,
  end: Uint8Array,
): AsyncIterable<Buffer> {
  let parts = [head];
  let size = head.length;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const from = parts.length;
    if (item !== undefined) writeItem(item, index, parts);
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

function withoutTypePieces(item: EncodedObject, prefix: Buffer): readonly Uint8Array[] {
  const pieces = item.jsonPieces?.();
  const first = pieces?.[0] ?? withoutNewline(item.json);
  if (prefix.compare(first, 0, Math.min(prefix.length, first.length)) !== 0) {
    return [Buffer.from(JSON.stringify(withoutType(item.object)))];
  }
  const rest = first.subarray(prefix.length);
  return pieces ? [brace, rest, pieces[1], pieces[2]] : [brace, rest];
}

export function withoutType(object: KubernetesObject): Omit<KubernetesObject, 'apiVersion' | 'kind'> {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return rest;
}
