import protobuf from 'protobufjs';

/*
 * Version 2 of the plugin API for key management services (k8s.io/kms, apis/v2) and the envelope in which values are
 * stored (KEP-3299), by their public field numbers.
 */

/** What a plugin stores with its own of an encrypted key; keys are domain names. */
export type Annotations = Readonly<Record<string, Uint8Array>>;

export interface StatusResponse {
  readonly version: string;
  readonly healthz: string;
  /** Of the key that encrypts now. */
  readonly keyId: string;
}

export interface EncryptRequest {
  readonly plaintext: Uint8Array;
  readonly uid: string;
}

export interface EncryptResponse {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: Annotations;
}

export interface DecryptRequest {
  readonly ciphertext: Uint8Array;
  readonly uid: string;
  readonly keyId: string;
  readonly annotations: Annotations;
}

export interface DecryptResponse {
  readonly plaintext: Uint8Array;
}

/** `key`: the encrypted source is the key itself; `seed`: keys are derived from it. */
export type SourceType = 'key' | 'seed';

/** A stored value behind its prefix. */
export interface EncryptedObject {
  readonly encryptedData: Uint8Array;
  readonly keyId: string;
  readonly encryptedSource: Uint8Array;
  readonly annotations: Annotations;
  readonly sourceType: SourceType;
}

interface Message {
  readonly [field: string]: unknown;
}

const bytes = (id: number) => ({ id, type: 'bytes' });
const text = (id: number) => ({ id, type: 'string' });
const annotations = (id: number) => ({ id, type: 'bytes', keyType: 'string' });

const root = protobuf.Root.fromJSON({
  nested: {
    Empty: { fields: {} },
    StatusResponse: { fields: { version: text(1), healthz: text(2), keyId: text(3) } },
    EncryptRequest: { fields: { plaintext: bytes(1), uid: text(2) } },
    EncryptResponse: { fields: { ciphertext: bytes(1), keyId: text(2), annotations: annotations(3) } },
    DecryptRequest: { fields: { ciphertext: bytes(1), uid: text(2), keyId: text(3), annotations: annotations(4) } },
    DecryptResponse: { fields: { plaintext: bytes(1) } },
    EncryptedObject: {
      fields: {
        encryptedData: bytes(1),
        keyId: text(2),
        encryptedSource: bytes(3),
        annotations: annotations(4),
        sourceType: { id: 5, type: 'int32' },
      },
    },
  },
});

export interface Codec<Value> {
  encode(value: Value): Buffer;
  /** Throws where the bytes are no message. */
  decode(bytes: Uint8Array): Value;
}

function codec<Value extends object>(
  name: string,
  read: (message: Message) => Value,
  write?: (value: Value) => Message,
) {
  const type = root.lookupType(name);
  return {
    encode: (value: Value) => Buffer.from(type.encode(type.create(write ? write(value) : { ...value })).finish()),
    decode: (data: Uint8Array) => read(type.toObject(type.decode(data), { defaults: true })),
  } satisfies Codec<Value>;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const bytesOf = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array());

function annotationsOf(value: unknown): Annotations {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([key, each]) => [key, bytesOf(each)]));
}

export const empty: Codec<object> = codec('Empty', () => ({}));

export const statusResponse: Codec<StatusResponse> = codec('StatusResponse', (message) => ({
  version: textOf(message['version']),
  healthz: textOf(message['healthz']),
  keyId: textOf(message['keyId']),
}));

export const encryptRequest: Codec<EncryptRequest> = codec('EncryptRequest', (message) => ({
  plaintext: bytesOf(message['plaintext']),
  uid: textOf(message['uid']),
}));

export const encryptResponse: Codec<EncryptResponse> = codec('EncryptResponse', (message) => ({
  ciphertext: bytesOf(message['ciphertext']),
  keyId: textOf(message['keyId']),
  annotations: annotationsOf(message['annotations']),
}));

export const decryptRequest: Codec<DecryptRequest> = codec('DecryptRequest', (message) => ({
  ciphertext: bytesOf(message['ciphertext']),
  uid: textOf(message['uid']),
  keyId: textOf(message['keyId']),
  annotations: annotationsOf(message['annotations']),
}));

export const decryptResponse: Codec<DecryptResponse> = codec('DecryptResponse', (message) => ({
  plaintext: bytesOf(message['plaintext']),
}));

const sourceTypes: readonly SourceType[] = ['key', 'seed'];

export const encryptedObject: Codec<EncryptedObject> = codec(
  'EncryptedObject',
  (message) => ({
    encryptedData: bytesOf(message['encryptedData']),
    keyId: textOf(message['keyId']),
    encryptedSource: bytesOf(message['encryptedSource']),
    annotations: annotationsOf(message['annotations']),
    sourceType: sourceTypeOf(message['sourceType']),
  }),
  (value) => ({ ...value, sourceType: sourceTypes.indexOf(value.sourceType) }),
);

function sourceTypeOf(value: unknown): SourceType {
  const found = sourceTypes[Number(value)];
  if (found === undefined) throw new Error(`unknown encryptedDEKSourceType: ${String(value)}`);
  return found;
}

/** The methods of the service, by their paths. */
export const kmsMethods = {
  status: { path: '/v2.KeyManagementService/Status', request: empty, response: statusResponse },
  encrypt: { path: '/v2.KeyManagementService/Encrypt', request: encryptRequest, response: encryptResponse },
  decrypt: { path: '/v2.KeyManagementService/Decrypt', request: decryptRequest, response: decryptResponse },
} as const;
