import { apiVersionOf, type WatchEvent } from '@keelson/core';
import type { EncodedObject, ServedResource } from '../registry/contract.ts';
import type { EncodingContext } from './encode-answer.ts';
import { encodeOnce, messageBytes, protobufMediaType, watchFrame } from './protobuf/envelope.ts';
import { Slab } from './slab.ts';
import { partialOf, partialPieces, tableOf } from './transform.ts';

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
  const plain = binary ? protobufFrames(context) : jsonFrame;
  switch (format.as) {
    case undefined:
      return plain;
    case 'Table':
      return tableFrames(context, plain);
    case 'PartialObjectMetadata':
      return partialFrames(context, plain);
    case 'PartialObjectMetadataList':
      return (type, value) => (type === 'ERROR' ? plain(type, value) : undefined);
  }
}

function partialFrames(context: EncodingContext, plain: FrameEncoder): FrameEncoder {
  const { mediaType, metaVersion } = context.format;
  const partialMessage = (type: FrameType, value: EncodedObject, alone?: boolean) => {
    const partial = partialOf(value, context);
    return watchFrame(type, partial, encodeOnce(partial), allocateFor(alone));
  };
  return (type, value, alone) => {
    if (type === 'ERROR') return plain(type, value);
    const make =
      mediaType === protobufMediaType
        ? () => partialMessage(type, value, alone)
        : () => line(type, partialPieces(value, context), alone);
    return alone ? make() : sharedFrame(value, `${mediaType} ${metaVersion} ${type}`, make);
  };
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
    return line(type, [Buffer.from(JSON.stringify(table))]);
  };
}

const jsonFrame: FrameEncoder = (type, value, alone) => {
  const make = () => line(type, value.jsonPieces?.() ?? [withoutNewline(value.json)], alone);
  return alone ? make() : sharedFrame(value, type, make);
};

const withoutNewline = (json: Uint8Array) => (json.at(-1) === 0x0a ? json.subarray(0, -1) : json);

function protobufFrames({ resource }: EncodingContext): FrameEncoder {
  const own = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  return (type, value, alone) => {
    const make = () =>
      watchFrame(type, type === 'ERROR' ? typeOf(value) : own, messageBytes(value), allocateFor(alone));
    return alone ? make() : sharedFrame(value, `protobuf ${type}`, make);
  };
}

const typeOf = ({ object: { apiVersion = '', kind = '' } }: EncodedObject) => ({ apiVersion, kind });

/** For frames that are written and forgotten. */
const slab = new Slab(256 * 1024);
const allocateFor = (alone: boolean | undefined) => (alone ? slab.allocate : Buffer.allocUnsafe);

const lineStarts = new Map<string, Buffer>();
const lineEnd = Buffer.from('}\n');

function line(type: string, pieces: readonly Uint8Array[], alone = false): Buffer {
  let start = lineStarts.get(type);
  if (!start) {
    start = Buffer.from(`{"type":"${type}","object":`);
    lineStarts.set(type, start);
  }
  let length = start.length + lineEnd.length;
  for (const each of pieces) length += each.length;
  const frame = allocateFor(alone)(length);
  frame.set(start, 0);
  let at = start.length;
  for (const each of pieces) {
    frame.set(each, at);
    at += each.length;
  }
  frame.set(lineEnd, at);
  return frame;
}
