import { getHeapStatistics } from 'node:v8';
import type { KubernetesObject } from '@keelson/core';
import type { Revision, StoredEntry } from '../storage/contract.ts';
import type { EncodedObject } from './contract.ts';
import type { ObjectDraft } from './draft.ts';

/**
 * One version of one object: decoded, and encoded as it goes over the wire. What is stored has no resourceVersion,
 * since that is known only after the write: it is put into its slot, right after `"metadata":{`, when the JSON is
 * first asked for, with a line's end behind it.
 */
export class StoredObject implements EncodedObject {
  readonly object: KubernetesObject;
  readonly revision: Revision;
  protobuf: Uint8Array | undefined;
  readonly #stored: Uint8Array;
  #json: Uint8Array | undefined;

  constructor(object: KubernetesObject, stored: Uint8Array, revision: Revision) {
    this.object = object;
    this.revision = revision;
    this.#stored = stored;
  }

  get json(): Uint8Array {
    this.#json ??= withRevision(this.object, this.#stored, this.revision);
    return this.#json;
  }

  /** The state an object had when it was deleted, under the revision of the deletion. */
  deletedAt(revision: Revision): StoredObject {
    const { metadata } = this.object;
    return new StoredObject(
      { ...this.object, metadata: { ...metadata, resourceVersion: String(revision) } },
      this.#stored,
      revision,
    );
  }
}

function withRevision(object: KubernetesObject, stored: Uint8Array, revision: Revision): Uint8Array {
  const slot = Buffer.byteLength(prefixOf(object));
  const text = Buffer.from(`"resourceVersion":"${revision}",`);
  const json = Buffer.allocUnsafe(stored.length + text.length + 1);
  json.set(stored.subarray(0, slot), 0);
  json.set(text, slot);
  json.set(stored.subarray(slot), slot + text.length);
  json[json.length - 1] = 0x0a;
  return json;
}

const prefixOf = (object: KubernetesObject) =>
  `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},"metadata":{`;

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

/**
 * Decodes each stored value once, and keeps those that were asked for lately. Keyed by the identity of the bytes, which
 * every reader of a store in this process shares, so that the object that was written is the very one that watchers and
 * later readers get. Bounded: a million objects are kept as bytes, not as objects.
 */
export class DecodeCache {
  readonly #written = new WeakMap<Uint8Array, ObjectDraft>();
  readonly #finish: (object: KubernetesObject) => void;
  readonly #generationBytes: number;
  /** What was asked for since the last change of generations, and what before; what is in neither is forgotten. */
  #young = new Map<Uint8Array, StoredObject>();
  #old = new Map<Uint8Array, StoredObject>();
  #youngBytes = 0;

  /** @param bytes how many bytes of stored values are kept decoded; default: by the size of the heap */
  constructor(finish: (object: KubernetesObject) => void, bytes = getHeapStatistics().heap_size_limit * shareOfHeap) {
    this.#finish = finish;
    this.#generationBytes = bytes / 2;
  }

  /** Promises that `draft` is what `bytes` will decode to. From here on nobody changes the draft but this class. */
  expect(bytes: Uint8Array, draft: ObjectDraft): void {
    this.#written.set(bytes, draft);
  }

  get(entry: StoredEntry): StoredObject {
    const { value, modRevision } = entry;
    const young = this.#young.get(value);
    if (young !== undefined && young.revision === modRevision) return young;
    const old = this.#old.get(value);
    if (old !== undefined && old.revision === modRevision) {
      this.#keep(value, old);
      return old;
    }
    const draft = this.#written.get(value) ?? (JSON.parse(Buffer.from(value).toString()) as ObjectDraft);
    draft.metadata.resourceVersion = String(modRevision);
    this.#finish(draft);
    const stored = new StoredObject(draft, value, modRevision);
    this.#keep(value, stored);
    this.#written.delete(value);
    return stored;
  }

  #keep(value: Uint8Array, stored: StoredObject): void {
    this.#young.set(value, stored);
    this.#youngBytes += value.length;
    if (this.#youngBytes < this.#generationBytes) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
