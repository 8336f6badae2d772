import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { KubernetesObject } from '@keelson/core';
import type { Revision, Storage, StoredEntry } from '../storage/contract.ts';
import type { EncodedObject } from './contract.ts';
import type { ObjectDraft } from './draft.ts';
import { Generations } from './generations.ts';

/**
 * One version of one object as it is stored, decoded only for who looks into it. What is stored has no resourceVersion,
 * since that is known only after the write: it is put into its slot, right after `"metadata":{`, when the JSON is asked
 * for, with a line's end behind it.
 */
export class StoredObject implements EncodedObject {
  readonly revision: Revision;
  /** Whether it is as it was created: nothing has been written over it. */
  readonly isFirst: boolean;
  readonly #stored: Uint8Array;
  readonly #cache: DecodeCache;
  #object: KubernetesObject | undefined;

  constructor(
    cache: DecodeCache,
    stored: Uint8Array,
    revision: Revision,
    isFirst: boolean,
    object: KubernetesObject | undefined,
  ) {
    this.#cache = cache;
    this.#stored = stored;
    this.revision = revision;
    this.isFirst = isFirst;
    this.#object = object;
  }

  get object(): KubernetesObject {
    this.#object ??= this.#cache.decoded(this, this.#stored);
    return this.#object;
  }

  /** It was written with bytes that were given and are empty. */
  get isBlank(): boolean {
    return this.#cache.isBlank(this.#stored);
  }

  /** Whether it is to be written again although nothing has changed: it was encrypted otherwise than it would be now. */
  isStale(key: string, storage: Pick<Storage, 'isStale'>): boolean {
    return storage.isStale?.(key, this.#stored) ?? false;
  }

  /** Made anew for each who asks: to copy a kilobyte costs less than to keep it. */
  get json(): Uint8Array {
    const [before, text, after] = this.jsonPieces();
    const json = Buffer.allocUnsafe(before.length + text.length + after.length + 1);
    json.set(before, 0);
    json.set(text, before.length);
    json.set(after, before.length + text.length);
    json[json.length - 1] = 0x0a;
    return json;
  }

  jsonPieces(): readonly [Uint8Array, Uint8Array, Uint8Array] {
    const slot = slotIn(this.#stored);
    const text = Buffer.from(`"resourceVersion":"${this.revision}",`, 'latin1');
    return [this.#stored.subarray(0, slot), text, this.#stored.subarray(slot)];
  }

  metadataPieces(): readonly [Uint8Array, Uint8Array] | undefined {
    const slot = slotIn(this.#stored);
    const text = Buffer.from(`{"resourceVersion":"${this.revision}",`, 'latin1');
    return [text, this.#stored.subarray(slot, endOfObject(this.#stored, slot))];
  }

  peek(): KubernetesObject {
    return this.#object ?? this.#cache.peek(this, this.#stored);
  }

  peekMetadata(): KubernetesObject['metadata'] {
    const known = this.#object ?? this.#cache.known(this, this.#stored);
    const pieces = known ? undefined : this.metadataPieces();
    if (!pieces) return this.peek().metadata;
    // What is stored was checked when it was written.
    return JSON.parse(Buffer.concat(pieces).toString()) as KubernetesObject['metadata'];
  }

  get protobuf(): Uint8Array | undefined {
    return this.#cache.messages.get(this.#stored, this.revision);
  }

  set protobuf(message: Uint8Array | undefined) {
    if (message) this.#cache.messages.set(this.#stored, this.revision, message, message.length);
  }

  /** What lies in the store: itself, unless it was converted. */
  get source(): StoredObject {
    return this;
  }

  /** The same state of the same object in another version. `object` has the resourceVersion, too. */
  as(object: KubernetesObject): StoredObject {
    return new ConvertedObject(this.#cache, this.#stored, this, object);
  }

  /** The state an object had when it was deleted, under the revision of the deletion. */
  deletedAt(revision: Revision): StoredObject {
    const { metadata } = this.object;
    const object = { ...this.object, metadata: { ...metadata, resourceVersion: String(revision) } };
    return new StoredObject(this.#cache, this.#stored, revision, false, object);
  }
}

/** A stored object in another version than it is stored in, encoded when somebody asks for that. */
class ConvertedObject extends StoredObject {
  readonly #source: StoredObject;
  #json: Buffer | undefined;

  constructor(cache: DecodeCache, stored: Uint8Array, source: StoredObject, object: KubernetesObject) {
    super(cache, stored, source.revision, source.isFirst, object);
    this.#source = source;
  }

  override get source(): StoredObject {
    return this.#source;
  }

  override get json(): Uint8Array {
    this.#json ??= Buffer.from(`${JSON.stringify(this.object)}\n`);
    return this.#json;
  }

  override jsonPieces(): readonly [Uint8Array, Uint8Array, Uint8Array] {
    const { json } = this;
    return [json.subarray(0, json.length - 1), nothing, nothing];
  }

  /** What is stored has another version's form, also of some annotations. */
  override metadataPieces(): undefined {
    return undefined;
  }

  override deletedAt(revision: Revision): StoredObject {
    const { metadata } = this.object;
    const object = { ...this.object, metadata: { ...metadata, resourceVersion: String(revision) } };
    return this.#source.deletedAt(revision).as(object);
  }
}

const nothing = Buffer.alloc(0);

const metadataKey = Buffer.from('"metadata":{');

/** Where the resourceVersion belongs. Before it stand the kind and the version, which hold no such text. */
function slotIn(stored: Uint8Array): number {
  return bufferOf(stored).indexOf(metadataKey) + metadataKey.length;
}

/** Behind the brace that ends the object, or list, within which `from` is. What is stored is JSON without spaces. */
function endOfObject(stored: Uint8Array, from: number): number {
  let depth = 1;
  for (let at = from; at < stored.length; at += 1) {
    const byte = stored[at];
    if (byte === 0x22) {
      for (at += 1; at < stored.length && stored[at] !== 0x22; at += 1) if (stored[at] === 0x5c) at += 1;
    } else if (byte === 0x7b || byte === 0x5b) depth += 1;
    else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return stored.length;
}

/** The bytes to store. The draft's first keys are kind, apiVersion and metadata, and it has no resourceVersion. */
export function encodeForStorage(draft: ObjectDraft): Uint8Array {
  // Not deleted: that would turn what every reader looks at from now on into a slow hash table.
  draft.metadata.resourceVersion = undefined;
  return Buffer.from(JSON.stringify(draft));
}

/** Something that goes over the wire but is not stored as it stands. */
export function encodeObject(object: KubernetesObject): EncodedObject {
  let json: Uint8Array | undefined;
  return {
    object,
    protobuf: undefined,
    get json() {
      json ??= Buffer.from(`${JSON.stringify(object)}\n`);
      return json;
    },
  };
}

/** Of the heap, which holds a decoded object as some four times its stored bytes. */
const shareOfHeap = 1 / 16;
/** Of the machine's memory, for what is kept in protobuf. */
const shareOfMemory = 1 / 64;
/** How many caches a fork asks before it decodes: each of them is kept for as long as the fork. */
const mostInherited = 4;

/**
 * Decodes each stored value once, and keeps those that were looked into lately. Keyed by the identity of the bytes, which
 * every reader of a store in this process shares, so that the object that was written is the very one that watchers and
 * later readers get. Bounded: a million objects are kept as bytes, not as objects.
 */
export class DecodeCache {
  readonly #written = new WeakMap<Uint8Array, ObjectDraft>();
  #blank = new WeakSet<Uint8Array>();
  readonly #finish: (object: KubernetesObject) => void;
  readonly #bytes: number;
  readonly #objects: Generations<StoredObject>;
  /** Of the caches that this one was forked from, the nearest first. */
  #inherited: readonly Generations<StoredObject>[] = [];
  /** What was encoded lately, whether or not the object is still there decoded. */
  readonly messages: Generations<Uint8Array>;

  /** @param bytes how many bytes of stored values are kept decoded; default: by the size of the heap */
  constructor(finish: (object: KubernetesObject) => void, bytes = getHeapStatistics().heap_size_limit * shareOfHeap) {
    this.#finish = finish;
    this.#bytes = bytes;
    this.#objects = new Generations(bytes);
    this.messages = new Generations(totalmem() * shareOfMemory);
  }

  /** A cache for a store that was forked, and so shares its values: what is decoded here is not decoded there again. */
  fork(): DecodeCache {
    const copy = new DecodeCache(this.#finish, this.#bytes);
    copy.#blank = this.#blank;
    copy.#inherited = [this.#objects, ...this.#inherited].slice(0, mostInherited);
    return copy;
  }

  /** Promises that `draft` is what `bytes` will decode to. From here on nobody changes the draft but this class. */
  expect(bytes: Uint8Array, draft: ObjectDraft): void {
    this.#written.set(bytes, draft);
  }

  /**
   * Keeps in mind that bytes were given and are empty, which is another value than none to Kubernetes' storage and shows
   * in nothing but when a write is one. For as long as this process holds the value.
   */
  expectBlank(bytes: Uint8Array): void {
    this.#blank.add(bytes);
  }

  isBlank(bytes: Uint8Array): boolean {
    return this.#blank.has(bytes);
  }

  get({ value, modRevision, createRevision }: StoredEntry): StoredObject {
    const known = this.#known(value, modRevision);
    if (known !== undefined) return known;
    const draft = this.#written.get(value);
    // A list of all that there is does not look into anything: nothing is decoded, and nothing kept.
    const isFirst = createRevision === modRevision;
    if (draft === undefined) return new StoredObject(this, value, modRevision, isFirst, undefined);
    this.#written.delete(value);
    const stored = new StoredObject(this, value, modRevision, isFirst, this.#settled(draft, modRevision));
    this.#objects.set(value, modRevision, stored, value.length);
    return stored;
  }

  /** What `value` says; the same object for all who hold the same value. */
  decoded(stored: StoredObject, value: Uint8Array): KubernetesObject {
    const known = this.#known(value, stored.revision);
    if (known !== undefined) return known.object;
    const object = this.#settled(parse(value), stored.revision);
    // A holder of its own: the one that asks may be kept for long by somebody who then looks at it no more.
    const holder = new StoredObject(this, value, stored.revision, stored.isFirst, object);
    this.#objects.set(value, stored.revision, holder, value.length);
    return object;
  }

  /** As `decoded`, for who looks at very many and at none of them again. */
  peek(stored: StoredObject, value: Uint8Array): KubernetesObject {
    return this.known(stored, value) ?? this.#settled(parse(value), stored.revision);
  }

  /** What `value` says, if that has been decoded lately. */
  known(stored: StoredObject, value: Uint8Array): KubernetesObject | undefined {
    return this.#known(value, stored.revision)?.object;
  }

  #known(value: Uint8Array, revision: Revision): StoredObject | undefined {
    const known = this.#objects.get(value, revision);
    if (known !== undefined) return known;
    for (const each of this.#inherited) {
      const inherited = each.peek(value, revision);
      if (inherited !== undefined) return inherited;
    }
    return undefined;
  }

  #settled(draft: ObjectDraft, revision: Revision): KubernetesObject {
    draft.metadata.resourceVersion = String(revision);
    this.#finish(draft);
    return draft;
  }
}

/** What is stored was checked when it was written. */
const parse = (value: Uint8Array) => JSON.parse(bufferOf(value).toString()) as ObjectDraft;

/** The same bytes. */
const bufferOf = (bytes: Uint8Array) =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
