import type { WatchEvent } from '@keelson/core';
import type { EncodedObject, ServedResource } from '../registry/contract.ts';
import type { EncodingContext } from './encode-answer.ts';
import { encodeProtobuf, messageBytes, protobufMediaType, watchFrame, wrap } from './protobuf/envelope.ts';
import { partialOf, tableOf } from './transform.ts';

export type FrameType = WatchEvent<unknown>['type'] | 'ERROR';

/**
 * The bytes of one event. `undefined`: it has no form of the kind asked for, and the watch ends. What is `alone` is for
 * this watch only, such as what a watch begins with: it is not kept for others.
 */
export type FrameEncoder = (type: FrameType, value: EncodedObject, alone?: boolean) => Buffer | undefined;

type Frames = Map<string, Buffer>;

/** Frames are wanted by all watches at nearly the same time, and then never again: older ones are forgotten. */
const largestFrames = 16 * 1024 * 1024;

/** Frames by form, event type and metadata version, shared by all watches that want the same. */
let young = new Map<EncodedObject, Frames>();
let old = new Map<EncodedObject, Frames>();
let youngBytes = 0;

function sharedFrame(value: EncodedObject, key: string, make: () => Buffer): Buffer {
  let frames = young.get(value) ?? old.get(value);
  const known = frames?.get(key);
  if (known) return known;
  if (!frames) {
    frames = new Map();
    young.set(value, frames);
  }
  const made = make();
  frames.set(key, made);
  youngBytes += made.length;
  if (youngBytes >= largestFrames / 2) {
    old = young;
    young = new Map();
    youngBytes = 0;
  }
  return made;
}

/** Frames events for one watch: a line of JSON each, or protobuf with its length before it. */
export function frameEncoder(context: EncodingContext): FrameEncoder {
  const { format } = context;
  const binary = format.mediaType === protobufMediaType;
  const plain: FrameEncoder = binary ? protobufFrame : jsonFrame;
  switch (format.as) {
    case undefined:
      return plain;
    case 'Table':
      return tableFrames(context, plain);
    case 'PartialObjectMetadata':
      return (type, value) =>
        type === 'ERROR'
          ? plain(type, value)
          : sharedFrame(value, `${format.mediaType} ${format.metaVersion} ${type}`, () => {
              const object = partialOf(value.object, format);
              return binary
                ? watchFrame(type, encodeProtobuf(object))
                : line(type, Buffer.from(JSON.stringify(object)));
            });
    case 'PartialObjectMetadataList':
      return (type, value) => (type === 'ERROR' ? plain(type, value) : undefined);
  }
}

/** The aggregator makes its tables by itself, and repeats the columns with each event. */
const repeatsColumns = ({ group, resource }: ServedResource) =>
  group === 'apiregistration.k8s.io' && resource === 'apiservices';

/** Tables hold ages: each is made for its watch. Only the first says what the columns are. */
function tableFrames(context: EncodingContext, plain: FrameEncoder): FrameEncoder {
  let withColumns = true;
  return (type, value) => {
    if (type === 'ERROR') return plain(type, value);
    const table = tableOf([value], undefined, context, withColumns);
    withColumns = repeatsColumns(context.resource);
    return line(type, Buffer.from(JSON.stringify(table)));
  };
}

const jsonFrame: FrameEncoder = (type, value, alone) =>
  alone ? aloneLine(type, value) : sharedFrame(value, type, () => line(type, withoutNewline(value.json)));

const withoutNewline = (json: Uint8Array) => (json.at(-1) === 0x0a ? json.subarray(0, -1) : json);

const protobufFrame: FrameEncoder = (type, value) =>
  sharedFrame(value, `protobuf ${type}`, () => {
    const { apiVersion = '', kind = '' } = value.object;
    return watchFrame(type, wrap({ apiVersion, kind }, messageBytes(value)));
  });

const line = (type: string, json: Uint8Array) =>
  Buffer.concat([Buffer.from(`{"type":"${type}","object":`), json, Buffer.from('}\n')]);

/** Memory of its own for each of fifty thousand frames would keep the garbage collector busier than all else. */
const slabBytes = 256 * 1024;
let slab = Buffer.alloc(0);
let slabUsed = 0;

function allocate(length: number): Buffer {
  if (length > slabBytes / 4) return Buffer.allocUnsafe(length);
  if (slabUsed + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(slabBytes);
    slabUsed = 0;
  }
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

const lineStarts = new Map<string, Buffer>();
const lineEnd = Buffer.from('}\n');

function aloneLine(type: string, value: EncodedObject): Buffer {
  let start = lineStarts.get(type);
  if (!start) {
    start = Buffer.from(`{"type":"${type}","object":`);
    lineStarts.set(type, start);
  }
  const pieces = value.jsonPieces?.() ?? [withoutNewline(value.json)];
  let length = start.length + lineEnd.length;
  for (const each of pieces) length += each.length;
  const frame = allocate(length);
  frame.set(start, 0);
  let at = start.length;
  for (const each of pieces) {
    frame.set(each, at);
    at += each.length;
  }
  frame.set(lineEnd, at);
  return frame;
}
