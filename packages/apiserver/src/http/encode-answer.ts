import { type KubernetesObject, StatusError } from '@keelson/core';
import type { EncodedObject, ListAnswer, ServedResource } from '../registry/contract.ts';
import type { TablePrinter } from '../table/index.ts';
import { joinJson, joinPieces, joinProtobuf, type Pieces, withoutType } from './join-list.ts';
import type { OutputFormat } from './negotiate.ts';
import { encodeOnce, messageBytes, protobufMediaType, wrap } from './protobuf/envelope.ts';
import { serialize } from './serialize.ts';
import { goTypeOf, partialOf, partialPieces, tableOf } from './transform.ts';

/** What the forms of an answer need to know of its request. */
export interface EncodingContext {
  readonly format: OutputFormat;
  readonly resource: ServedResource;
  readonly tables: TablePrinter;
  /** The objects in a Table's rows; default `Metadata`. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

const typed = ({ apiVersion = '', kind = '', ...rest }: KubernetesObject) => ({ kind, apiVersion, ...rest });

export function encodeObject(value: EncodedObject, context: EncodingContext): Uint8Array {
  const { format } = context;
  // Nothing is decoded for who wants it as it is stored.
  if (format.as === undefined && format.mediaType === 'application/json' && !format.pretty) return value.json;
  const { object } = value;
  // A Status in answer to a deletion is never turned into something else.
  if (format.as === undefined || object.kind === 'Status') {
    if (format.mediaType === protobufMediaType) return wrap(typed(object), messageBytes(value));
    return format.mediaType === 'application/json' && !format.pretty ? value.json : serialize(typed(object), format);
  }
  if (format.as === 'PartialObjectMetadataList') {
    throw wrongShape(
      `you requested ${format.as}, but the requested object is not a list (${goTypeOf(context.resource)})`,
    );
  }
  const transformed = format.as === 'Table' ? tableOf([value], undefined, context) : partialOf(value, context);
  return serialize(transformed, format);
}

/** A list, in one piece or many; what is long is made as it is read. */
export async function encodeList(answer: ListAnswer, context: EncodingContext): Promise<Uint8Array | Pieces> {
  const { format, resource } = context;
  switch (format.as) {
    case 'Table':
      return serialize(tableOf(answer.items, answer.metadata, context), format);
    case 'PartialObjectMetadataList':
      return encodePartialList(answer, context);
    case 'PartialObjectMetadata':
      throw wrongShape(
        `you requested PartialObjectMetadata, but the requested object is a list (${goTypeOf(resource, 'List')})`,
      );
    default:
      break;
  }
  if (format.mediaType === protobufMediaType) return joinProtobuf(answer, answer.items, messageBytes);
  if (format.mediaType === 'application/json' && !format.pretty) return joinJson(answer, resource.custom);
  const items = answer.items.map(({ object }) => (resource.custom ? object : withoutType(object)));
  const list = { kind: answer.kind, apiVersion: answer.apiVersion, metadata: answer.metadata, items };
  return serialize(list, format);
}

async function encodePartialList(
  { metadata, items }: ListAnswer,
  context: EncodingContext,
): Promise<Uint8Array | Pieces> {
  const { format } = context;
  const head = { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${format.metaVersion}`, metadata };
  // As by Kubernetes, an empty one has no list.
  if (items.length === 0) return serialize({ ...head, ...{ items: null } }, format);
  if (format.mediaType === 'application/json' && !format.pretty) {
    return joinPieces(head, items, (item) => partialPieces(item, context));
  }
  if (format.mediaType === protobufMediaType) {
    return joinProtobuf(head, items, (item) => encodeOnce(partialOf(item, context)));
  }
  return serialize({ ...head, ...{ items: items.map((each) => partialOf(each, context)) } }, format);
}

const wrongShape = (message: string) => StatusError.of(406, 'NotAcceptable', message);
