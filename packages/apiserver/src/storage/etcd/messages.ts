import protobuf from 'protobufjs';

/*
 * What is used of etcd's v3 API, by the public field numbers of etcdserverpb and mvccpb. Numbers of 64 bits travel as
 * text here, since lease ids do not fit into a number.
 */

const types = {
  KeyValue: {
    key: [1, 'bytes'],
    create_revision: [2, 'int64'],
    mod_revision: [3, 'int64'],
    version: [4, 'int64'],
    value: [5, 'bytes'],
    lease: [6, 'int64'],
  },
  Event: { type: [1, 'int32'], kv: [2, 'KeyValue'], prev_kv: [3, 'KeyValue'] },
  ResponseHeader: { revision: [3, 'int64'] },
  RangeRequest: {
    key: [1, 'bytes'],
    range_end: [2, 'bytes'],
    limit: [3, 'int64'],
    revision: [4, 'int64'],
    serializable: [7, 'bool'],
    keys_only: [8, 'bool'],
    count_only: [9, 'bool'],
  },
  RangeResponse: {
    header: [1, 'ResponseHeader'],
    kvs: [2, 'KeyValue', 'repeated'],
    more: [3, 'bool'],
    count: [4, 'int64'],
  },
  PutRequest: { key: [1, 'bytes'], value: [2, 'bytes'], lease: [3, 'int64'] },
  PutResponse: { header: [1, 'ResponseHeader'] },
  DeleteRangeRequest: { key: [1, 'bytes'], range_end: [2, 'bytes'], prev_kv: [3, 'bool'] },
  DeleteRangeResponse: { header: [1, 'ResponseHeader'], deleted: [2, 'int64'], prev_kvs: [3, 'KeyValue', 'repeated'] },
  RequestOp: {
    request_range: [1, 'RangeRequest'],
    request_put: [2, 'PutRequest'],
    request_delete_range: [3, 'DeleteRangeRequest'],
  },
  ResponseOp: {
    response_range: [1, 'RangeResponse'],
    response_put: [2, 'PutResponse'],
    response_delete_range: [3, 'DeleteRangeResponse'],
  },
  Compare: {
    result: [1, 'int32'],
    target: [2, 'int32'],
    key: [3, 'bytes'],
    version: [4, 'int64'],
    mod_revision: [6, 'int64'],
  },
  TxnRequest: {
    compare: [1, 'Compare', 'repeated'],
    success: [2, 'RequestOp', 'repeated'],
    failure: [3, 'RequestOp', 'repeated'],
  },
  TxnResponse: { header: [1, 'ResponseHeader'], succeeded: [2, 'bool'], responses: [3, 'ResponseOp', 'repeated'] },
  CompactionRequest: { revision: [1, 'int64'], physical: [2, 'bool'] },
  CompactionResponse: { header: [1, 'ResponseHeader'] },
  WatchCreateRequest: {
    key: [1, 'bytes'],
    range_end: [2, 'bytes'],
    start_revision: [3, 'int64'],
    progress_notify: [4, 'bool'],
    prev_kv: [6, 'bool'],
    fragment: [8, 'bool'],
  },
  WatchProgressRequest: {},
  WatchRequest: { create_request: [1, 'WatchCreateRequest'], progress_request: [3, 'WatchProgressRequest'] },
  WatchResponse: {
    header: [1, 'ResponseHeader'],
    watch_id: [2, 'int64'],
    created: [3, 'bool'],
    canceled: [4, 'bool'],
    compact_revision: [5, 'int64'],
    cancel_reason: [6, 'string'],
    fragment: [7, 'bool'],
    events: [11, 'Event', 'repeated'],
  },
  LeaseGrantRequest: { TTL: [1, 'int64'], ID: [2, 'int64'] },
  LeaseGrantResponse: { header: [1, 'ResponseHeader'], ID: [2, 'int64'], TTL: [3, 'int64'], error: [4, 'string'] },
  AuthenticateRequest: { name: [1, 'string'], password: [2, 'string'] },
  AuthenticateResponse: { header: [1, 'ResponseHeader'], token: [2, 'string'] },
  StatusRequest: {},
  StatusResponse: { header: [1, 'ResponseHeader'], version: [2, 'string'] },
} as const;

type TypeTable = typeof types;
export type TypeName = keyof TypeTable;
interface Scalars {
  readonly bytes: Uint8Array;
  readonly int64: string | number;
  readonly int32: number;
  readonly bool: boolean;
  readonly string: string;
}
type ValueOf<T> = T extends keyof Scalars ? Scalars[T] : T extends TypeName ? Message<T> : never;

/** A message as it is sent and received; fields that are absent have their type's zero where they are scalars. */
export type Message<Name extends TypeName> = {
  readonly [Field in keyof TypeTable[Name]]?: TypeTable[Name][Field] extends readonly [number, infer Type, 'repeated']
    ? readonly ValueOf<Type>[]
    : TypeTable[Name][Field] extends readonly [number, infer Type]
      ? ValueOf<Type>
      : never;
};

const root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries(types).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [id, type, rule]]: [string, readonly [number, string, string?]]) => [
            field,
            { id, type, ...(rule !== undefined && { rule }), options: { packed: false } },
          ]),
        ),
      },
    ]),
  ),
});

interface Codec<Name extends TypeName> {
  encode(message: Message<Name>): Buffer;
  decode(bytes: Uint8Array): Message<Name>;
}

function codecOf<Name extends TypeName>(name: Name): Codec<Name> {
  const type = root.lookupType(name);
  return {
    encode: (message) => Buffer.from(type.encode(type.create(message)).finish()),
    // The decoder knows no other fields and types than those of the table above.
    decode: (bytes) => type.toObject(type.decode(bytes), { longs: String }) as Message<Name>,
  };
}

export interface Method<Request extends TypeName, Response extends TypeName> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

function method<Request extends TypeName, Response extends TypeName>(
  path: string,
  request: Request,
  response: Response,
): Method<Request, Response> {
  return { path: `/etcdserverpb.${path}`, request: codecOf(request), response: codecOf(response) };
}

export const methods = {
  range: method('KV/Range', 'RangeRequest', 'RangeResponse'),
  txn: method('KV/Txn', 'TxnRequest', 'TxnResponse'),
  compact: method('KV/Compact', 'CompactionRequest', 'CompactionResponse'),
  watch: method('Watch/Watch', 'WatchRequest', 'WatchResponse'),
  leaseGrant: method('Lease/LeaseGrant', 'LeaseGrantRequest', 'LeaseGrantResponse'),
  authenticate: method('Auth/Authenticate', 'AuthenticateRequest', 'AuthenticateResponse'),
  status: method('Maintenance/Status', 'StatusRequest', 'StatusResponse'),
} as const;

/** Values of `Compare.target`. */
export const compareTarget = { version: 0, modRevision: 2 } as const;

export const numberOf = (value: string | number | undefined) => Number(value ?? 0);
