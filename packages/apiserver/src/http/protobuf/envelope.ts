import type { EncodedObject } from '../../registry/contract.ts';
import { Slab } from '../slab.ts';
import { encodeField, encodeMessage } from './encode-message.ts';
import { messageOf, metaPackage } from './message-table.ts';
import { WireReader } from './wire.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

/** What every object begins with: `k8s` and a zero byte. */
export const prefix = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The fields of a `runtime.Unknown` after `raw`: contentEncoding and contentType, both empty. */
const unknownEnd = Buffer.from([0x1a, 0x00, 0x22, 0x00]);

export interface TypeMeta {
  readonly apiVersion: string;
  readonly kind: string;
}

function varint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(varintSize(value));
  writeVarint(bytes, value, 0);
  return bytes;
}

/** What stands around the messages of one kind: `runtime.Unknown` up to the length of `raw`. */
const heads = new Map<string, Buffer>();

function headOf({ apiVersion, kind }: TypeMeta): Buffer {
  const key = `${apiVersion}/${kind}`;
  const known = heads.get(key);
  if (known) return known;
  const [version, name] = [Buffer.from(apiVersion), Buffer.from(kind)];
  const typeMeta = Buffer.concat([
    Buffer.from([0x0a]),
    varint(version.length),
    version,
    Buffer.from([0x12]),
    varint(name.length),
    name,
  ]);
  const head = Buffer.concat([prefix, Buffer.from([0x0a]), varint(typeMeta.length), typeMeta, Buffer.from([0x12])]);
  heads.set(key, head);
  return head;
}

/** An object in Kubernetes' binary form around its message. */
export function wrap(type: TypeMeta, message: Uint8Array): Buffer {
  return Buffer.concat([headOf(type), varint(message.length), message, unknownEnd]);
}

/** Whether an object of this kind has a binary form. Custom resources have none. */
export const hasProtobuf = ({ apiVersion, kind }: TypeMeta) => messageOf(apiVersion, kind) !== undefined;

/** Of messages that are kept: one that outlives the others must not hold much of their memory. */
const kept = new Slab(32 * 1024);
/** Of those that are sent and forgotten. They must not lie between the ones that are kept. */
const passing = new Slab(256 * 1024);

/** The message of an object, encoded once however often it is asked for. */
export function messageBytes(value: EncodedObject): Uint8Array {
  if (value.protobuf) return value.protobuf;
  const object = value.peek?.() ?? value.object;
  const { apiVersion = '', kind = '' } = object;
  value.protobuf = encodeMessage(messageOf(apiVersion, kind) ?? '', object, kept.allocate);
  return value.protobuf;
}

/** Any object of a kind that has a binary form: a Status, a discovery document. Some of those name no version in JSON. */
export function encodeProtobuf(object: { readonly kind: string; readonly apiVersion?: string }): Buffer {
  const { kind, apiVersion = '' } = object;
  return wrap({ kind, apiVersion }, encodeOnce(object));
}

/** The message of what is not asked for again. */
export function encodeOnce(object: { readonly kind: string; readonly apiVersion?: string }): Buffer {
  return encodeMessage(messageOf(object.apiVersion ?? '', object.kind) ?? '', object, passing.allocate);
}

/** A list from the messages of its items: what stands before them, between them, and after them. */
export interface ListFrame {
  readonly head: Buffer;
  /** Tag and length before an item. */
  itemHead(length: number): Buffer;
  readonly end: Buffer;
}

export function listFrame(type: TypeMeta, metadata: unknown, lengths: readonly number[]): ListFrame {
  const meta = encodeField(`${metaPackage}.PartialObjectMetadataList`, 'metadata', metadata);
  let size = meta.length;
  for (const length of lengths) size += 1 + varintSize(length) + length;
  return {
    head: Buffer.concat([headOf(type), varint(size), meta]),
    itemHead: (length) => Buffer.concat([itemTag, varint(length)]),
    end: unknownEnd,
  };
}

const itemTag = Buffer.from([0x12]);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** One frame of a watch: its length in four bytes, then a `WatchEvent` around the whole object. */
export function watchFrame(
  type: string,
  of: TypeMeta,
  message: Uint8Array,
  allocate: (length: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  const head = headOf(of);
  const object = head.length + varintSize(message.length) + message.length + unknownEnd.length;
  const raw = 1 + varintSize(object) + object;
  const length = 2 + type.length + 1 + varintSize(raw) + raw;
  const frame = allocate(4 + length);
  let at = frame.writeUInt32BE(length, 0);
  frame[at++] = 0x0a;
  frame[at++] = type.length;
  at += frame.write(type, at, 'latin1');
  frame[at++] = 0x12;
  at = writeVarint(frame, raw, at);
  frame[at++] = 0x0a;
  at = writeVarint(frame, object, at);
  frame.set(head, at);
  at = writeVarint(frame, message.length, at + head.length);
  frame.set(message, at);
  frame.set(unknownEnd, at + message.length);
  return frame;
}

function writeVarint(into: Buffer, value: number, from: number): number {
  let at = from;
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 0x80;
  into[at++] = rest;
  return at;
}

/** The parts of a `runtime.Unknown`. Throws `WireError`. */
export function unwrap(bytes: Buffer): TypeMeta & { readonly raw: Buffer } {
  let apiVersion = '';
  let kind = '';
  let raw: Buffer = Buffer.alloc(0);
  const reader = new WireReader(bytes.subarray(prefix.length));
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === 0x0a) {
      const outer = reader.enter();
      while (!reader.done) {
        const inner = reader.tag();
        if (inner === 0x0a) apiVersion = reader.string();
        else if (inner === 0x12) kind = reader.string();
        else reader.skip(inner & 7);
      }
      reader.leave(outer);
    } else if (tag === 0x12) raw = reader.bytes();
    else reader.skip(tag & 7);
  }
  return { apiVersion, kind, raw };
}
