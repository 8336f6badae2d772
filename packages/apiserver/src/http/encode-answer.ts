import { type KubernetesObject, type ListMeta, StatusError, type WatchEvent } from '@keelson/core';
import { stringify } from 'yaml';
import type { EncodedObject, ListAnswer, ServedResource } from '../registry/contract.ts';
import type { TablePrinter } from '../table/index.ts';
import type { OutputFormat } from './negotiate.ts';

/** What the forms of an answer need to know of its request. */
export interface EncodingContext {
  readonly format: OutputFormat;
  readonly resource: ServedResource;
  readonly tables: TablePrinter;
  /** The objects in a Table's rows; default `Metadata`. */
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

/** As Kubernetes writes YAML: keys in order, lists not indented, whatever YAML 1.1 might misread in quotes. */
const yamlStyle = {
  version: '1.1',
  aliasDuplicateObjects: false,
  lineWidth: 0,
  indentSeq: false,
  sortMapEntries: true,
} as const;

export function serialize(value: unknown, format: Pick<OutputFormat, 'mediaType' | 'pretty'>): Buffer {
  if (format.mediaType === 'application/yaml') return Buffer.from(stringify(value, yamlStyle));
  return Buffer.from(format.pretty ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`);
}

export function encodeObject(value: EncodedObject, context: EncodingContext): Uint8Array {
  const { format } = context;
  // A Status in answer to a deletion is never turned into something else.
  if (format.as === undefined || value.object.kind === 'Status') {
    const plain = format.mediaType === 'application/json' && !format.pretty;
    return plain ? value.json : serialize(value.object, format);
  }
  if (format.as === 'PartialObjectMetadataList') {
    throw StatusError.of(406, 'NotAcceptable', `you requested ${format.as}, but the requested object is not a list`);
  }
  const transformed = format.as === 'Table' ? tableOf([value], undefined, context) : partial(value.object, format);
  return serialize(transformed, format);
}

export function encodeList(answer: ListAnswer, context: EncodingContext): Uint8Array {
  const { format, resource } = context;
  switch (format.as) {
    case 'Table':
      return serialize(tableOf(answer.items, answer.metadata, context), format);
    case 'PartialObjectMetadataList':
      return serialize(
        {
          kind: 'PartialObjectMetadataList',
          apiVersion: `meta.k8s.io/${format.metaVersion}`,
          metadata: answer.metadata,
          items: answer.items.map(({ object }) => partial(object, format)),
        },
        format,
      );
    case 'PartialObjectMetadata':
      throw StatusError.of(
        406,
        'NotAcceptable',
        `you requested PartialObjectMetadata, but the requested object is a list (${answer.kind})`,
      );
    default:
      break;
  }
  if (format.mediaType === 'application/json' && !format.pretty) return joinList(answer, resource.custom);
  const items = answer.items.map(({ object }) => (resource.custom ? object : withoutType(object)));
  return serialize({ kind: answer.kind, apiVersion: answer.apiVersion, metadata: answer.metadata, items }, format);
}

/** Joins what is encoded already. Items of a built-in list go without `kind` and `apiVersion`. */
function joinList(answer: ListAnswer, keepType: boolean): Buffer {
  const head = { kind: answer.kind, apiVersion: answer.apiVersion, metadata: answer.metadata };
  const parts: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  answer.items.forEach((item, index) => {
    if (index > 0) parts.push(comma);
    if (keepType) parts.push(item.json);
    else pushWithoutType(parts, item);
  });
  parts.push(listEnd);
  return Buffer.concat(parts);
}

const comma = Buffer.from(',');
const brace = Buffer.from('{');
const listEnd = Buffer.from(']}\n');

function pushWithoutType(parts: Uint8Array[], item: EncodedObject): void {
  const { kind, apiVersion } = item.object;
  const prefix = `{"kind":"${kind}","apiVersion":"${apiVersion}",`;
  const start = Buffer.from(item.json.buffer, item.json.byteOffset, Math.min(prefix.length, item.json.byteLength));
  if (start.toString('latin1') === prefix) parts.push(brace, item.json.subarray(prefix.length));
  else parts.push(Buffer.from(JSON.stringify(withoutType(item.object))));
}

function withoutType(object: KubernetesObject): Omit<KubernetesObject, 'apiVersion' | 'kind'> {
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  return rest;
}

function partial(object: KubernetesObject, format: OutputFormat): KubernetesObject {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${format.metaVersion}`, metadata: object.metadata };
}

function tableOf(
  items: readonly EncodedObject[],
  listMeta: ListMeta | undefined,
  { format, resource, tables, includeObject }: EncodingContext,
  withColumns = true,
) {
  const objects = items.map(({ object }) => object);
  const version = listMeta ? listMeta : { resourceVersion: objects[0]?.metadata.resourceVersion };
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${format.metaVersion}`,
    metadata: version,
    columnDefinitions: withColumns ? tables.columns(resource) : null,
    rows: tables.rows(resource, objects).map((row, index) => {
      const object = objects[index];
      if (includeObject === 'None' || !object) return { cells: row.cells };
      const shown = includeObject === 'Object' ? object : partial(object, format);
      return { cells: row.cells, ...(row.conditions && { conditions: row.conditions }), object: shown };
    }),
  };
}

const framed = new WeakMap<EncodedObject, Map<string, Buffer>>();

/** Frames events for one watch: a line of JSON each. Frames of plain events are shared between all watches. */
export function watchEncoder(
  context: EncodingContext,
): (type: WatchEvent<unknown>['type'] | 'ERROR', value: EncodedObject) => Buffer {
  let first = true;
  return (type, value) => {
    if (context.format.as === undefined || type === 'ERROR' || context.format.mediaType === 'application/yaml') {
      return plainFrame(type, value);
    }
    const bookmark = type === 'BOOKMARK';
    const object =
      context.format.as === 'Table'
        ? tableOf([value], undefined, bookmark ? { ...context, includeObject: 'Metadata' } : context, first)
        : partial(value.object, context.format);
    first = false;
    return Buffer.from(`${JSON.stringify({ type, object })}\n`);
  };
}

function plainFrame(type: string, value: EncodedObject): Buffer {
  const known = framed.get(value);
  const frame = known?.get(type);
  if (frame) return frame;
  const trimmed = value.json.at(-1) === 0x0a ? value.json.subarray(0, -1) : value.json;
  const made = Buffer.concat([Buffer.from(`{"type":"${type}","object":`), trimmed, Buffer.from('}\n')]);
  if (known) known.set(type, made);
  else framed.set(value, new Map([[type, made]]));
  return made;
}
