import { readFileSync } from 'node:fs';
import { isObject, type Json, type JsonObject } from './json.ts';

type Field = readonly [name: string, type: string];
const file = new URL('../../reference/kubernetes-v1.35-protobuf.json', import.meta.url);
const unknownMessage = 'k8s.io.apimachinery.pkg.runtime.Unknown';
const typeMetaMessage = 'k8s.io.apimachinery.pkg.runtime.TypeMeta';
const watchEventMessage = 'k8s.io.apimachinery.pkg.apis.meta.v1.WatchEvent';
const metaMessages = 'k8s.io.apimachinery.pkg.apis.meta.v1';
/** The types of discovery, refusals and bare metadata, which the table leaves out. */
const discoveryMessages: Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>> = {
  APIResource: {
    name: [1, 'string'],
    namespaced: [2, 'bool'],
    kind: [3, 'string'],
    verbs: [4, `${metaMessages}.Verbs`],
    shortNames: [5, 'repeated string'],
    singularName: [6, 'string'],
    categories: [7, 'repeated string'],
    group: [8, 'string'],
    version: [9, 'string'],
    storageVersionHash: [10, 'string'],
  },
  ListMeta: {
    selfLink: [1, 'string'],
    resourceVersion: [2, 'string'],
    continue: [3, 'string'],
    remainingItemCount: [4, 'int64'],
  },
  Status: {
    metadata: [1, `${metaMessages}.ListMeta`],
    status: [2, 'string'],
    message: [3, 'string'],
    reason: [4, 'string'],
    details: [5, `${metaMessages}.StatusDetails`],
    code: [6, 'int32'],
  },
  StatusDetails: {
    name: [1, 'string'],
    group: [2, 'string'],
    kind: [3, 'string'],
    causes: [4, `repeated ${metaMessages}.StatusCause`],
    retryAfterSeconds: [5, 'int32'],
    uid: [6, 'string'],
  },
  StatusCause: { reason: [1, 'string'], message: [2, 'string'], field: [3, 'string'] },
  Verbs: { items: [1, 'repeated string'] },
  PartialObjectMetadata: { metadata: [1, `${metaMessages}.ObjectMeta`] },
  PartialObjectMetadataList: {
    metadata: [1, `${metaMessages}.ListMeta`],
    items: [2, `repeated ${metaMessages}.PartialObjectMetadata`],
  },
  APIResourceList: { groupVersion: [1, 'string'], resources: [2, `repeated ${metaMessages}.APIResource`] },
  GroupVersionForDiscovery: { groupVersion: [1, 'string'], version: [2, 'string'] },
  ServerAddressByClientCIDR: { clientCIDR: [1, 'string'], serverAddress: [2, 'string'] },
  APIGroup: {
    name: [1, 'string'],
    versions: [2, `repeated ${metaMessages}.GroupVersionForDiscovery`],
    preferredVersion: [3, `${metaMessages}.GroupVersionForDiscovery`],
    serverAddressByClientCIDRs: [4, `repeated ${metaMessages}.ServerAddressByClientCIDR`],
  },
  APIGroupList: { groups: [1, `repeated ${metaMessages}.APIGroup`] },
  APIVersions: {
    versions: [1, 'repeated string'],
    serverAddressByClientCIDRs: [2, `repeated ${metaMessages}.ServerAddressByClientCIDR`],
  },
};
let table: Map<string, ReadonlyMap<number, Field>> | undefined;

function messages(): Map<string, ReadonlyMap<number, Field>> {
  if (table) return table;
  const raw: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const result = new Map<string, ReadonlyMap<number, Field>>();
  for (const [name, fields] of Object.entries(isObject(raw) ? raw : {})) {
    const byNumber = new Map<number, Field>();
    for (const [field, spec] of Object.entries(isObject(fields) ? fields : {}))
      if (Array.isArray(spec)) byNumber.set(Number(spec[0]), [field, String(spec[1])]);
    result.set(name, byNumber);
  }
  // The envelope and a watch's frame, which are no API objects.
  const fieldsOf = (fields: Record<string, readonly [number, string]>) =>
    new Map(Object.entries(fields).map(([name, [number, type]]) => [number, [name, type] as const]));
  result.set(
    unknownMessage,
    fieldsOf({
      typeMeta: [1, typeMetaMessage],
      raw: [2, 'bytes'],
      contentEncoding: [3, 'string'],
      contentType: [4, 'string'],
    }),
  );
  result.set(typeMetaMessage, fieldsOf({ apiVersion: [1, 'string'], kind: [2, 'string'] }));
  result.set(
    watchEventMessage,
    fieldsOf({ type: [1, 'string'], object: [2, 'k8s.io.apimachinery.pkg.runtime.RawExtension'] }),
  );
  for (const [name, fields] of Object.entries(discoveryMessages))
    result.set(`${metaMessages}.${name}`, fieldsOf(fields));
  table = result;
  return result;
}

/** A reader of protobuf's wire format that shares nothing with what it judges. Throws on malformed input. */
class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) throw new Error('a varint is cut short');
      result |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, result);
    }
    throw new Error('a varint is too long');
  }

  bytes(): Buffer {
    return this.take(Number(this.varint()));
  }

  take(length: number): Buffer {
    if (length < 0 || this.at + length > this.#bytes.length) throw new Error('a field is cut short');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
}

function wireValue(reader: Reader, wire: number): bigint | Buffer {
  if (wire === 0) return reader.varint();
  if (wire === 1) return reader.take(8);
  if (wire === 2) return reader.bytes();
  if (wire === 5) return reader.take(4);
  throw new Error(`wire type ${wire}`);
}

/** An object as JSON from the envelope `k8s\0` + Unknown; a bare message (a watch's frame) as `WatchEvent`. */
export function decodeProtobuf(bytes: Buffer): Json {
  if (bytes.subarray(0, 4).toString('latin1') !== 'k8s\0') return watchEvent(bytes);
  const envelope = message(bytes.subarray(4), unknownMessage);
  const typeMeta = isObject(envelope['typeMeta']) ? envelope['typeMeta'] : {};
  const { apiVersion = '', kind = '' } = typeMeta;
  const rest = Object.fromEntries(
    Object.entries(envelope).filter(([key, value]) => key !== 'typeMeta' && key !== 'raw' && value !== ''),
  );
  const name = messageFor(String(apiVersion), String(kind));
  const raw = Buffer.from(String(envelope['raw'] ?? ''), 'base64');
  if (name === undefined) return { apiVersion, kind, '<raw>': raw.toString('base64') };
  return { apiVersion, kind, ...message(raw, name), ...(Object.keys(rest).length > 0 && { '<envelope>': rest }) };
}

function watchEvent(bytes: Buffer): Json {
  const event = message(bytes, watchEventMessage);
  const object = isObject(event['object']) ? event['object'] : {};
  return { type: event['type'] ?? '', object: decodeProtobuf(Buffer.from(String(object['raw'] ?? ''), 'base64')) };
}

function messageFor(apiVersion: string, kind: string): string | undefined {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const short = group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : group.split('.')[0];
  const candidates = [
    `k8s.io.api.${short}.${version}.${kind}`,
    // Bare metadata is the same in its beta.
    `${metaMessages}.${kind}`,
    `k8s.io.kube_aggregator.pkg.apis.apiregistration.${version}.${kind}`,
    `k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.${version}.${kind}`,
    ...[...messages().keys()].filter((name) => name.endsWith(`.${version}.${kind}`) && name.includes(`.${short}`)),
  ];
  const found = candidates.find((name) => messages().has(name));
  if (found !== undefined || !kind.endsWith('List')) return found;
  // The table has no lists; they are all alike.
  const item = messageFor(apiVersion, kind.slice(0, -'List'.length));
  if (item === undefined) return undefined;
  const list: ReadonlyMap<number, Field> = new Map([
    [1, ['metadata', `${metaMessages}.ListMeta`]],
    [2, ['items', `repeated ${item}`]],
  ]);
  messages().set(`${item}List`, list);
  return `${item}List`;
}

function message(bytes: Buffer, name: string): JsonObject {
  const fields = messages().get(name);
  if (!fields) throw new Error(`no message ${name}`);
  const result: JsonObject = {};
  for (const reader = new Reader(bytes); !reader.done; ) {
    const tag = Number(reader.varint());
    const value = wireValue(reader, tag & 7);
    const field = fields.get(tag >>> 3);
    if (!field) {
      result[`<unknown field ${tag >>> 3}>`] = Buffer.isBuffer(value) ? value.toString('base64') : String(value);
      continue;
    }
    put(result, field, value);
  }
  return result;
}

function put(result: JsonObject, [name, type]: Field, value: bigint | Buffer): void {
  const entry = /^map<(\S+), ?(.+)>$/.exec(type);
  if (entry && Buffer.isBuffer(value)) {
    const pair = mapEntry(value, entry[1] ?? 'string', entry[2] ?? 'string');
    const before = result[name];
    result[name] = { ...(isObject(before) ? before : {}), [pair[0]]: pair[1] };
    return;
  }
  if (!type.startsWith('repeated ')) {
    result[name] = scalar(type, value);
    return;
  }
  const before = result[name];
  result[name] = [...(Array.isArray(before) ? before : []), scalar(type.slice('repeated '.length), value)];
}

function mapEntry(bytes: Buffer, keyType: string, valueType: string): [string, Json] {
  let key = '';
  let value: Json = valueType === 'string' || valueType === 'bytes' ? '' : {};
  for (const reader = new Reader(bytes); !reader.done; ) {
    const tag = Number(reader.varint());
    const raw = wireValue(reader, tag & 7);
    if (tag >>> 3 === 1) key = String(scalar(keyType, raw));
    else value = scalar(valueType, raw);
  }
  return [key, value];
}

function scalar(type: string, value: bigint | Buffer): Json {
  if (typeof value === 'bigint') return type === 'bool' ? value !== 0n : Number(value);
  if (type === 'string') return value.toString('utf8');
  if (type === 'bytes') return value.toString('base64');
  if (type === 'double') return value.readDoubleLE();
  if (type === 'float') return value.readFloatLE();
  const short = type.split('.').at(-1);
  const read = message(value, type);
  if (short === 'Time' || short === 'MicroTime') return time(read, short === 'MicroTime');
  if (short === 'Quantity') return String(read['string'] ?? '0');
  return read;
}

function time({ seconds = 0, nanos = 0 }: JsonObject, micro: boolean): string {
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(Number(nanos) / 1000)).padStart(6, '0')}Z` : `${text}Z`;
}
