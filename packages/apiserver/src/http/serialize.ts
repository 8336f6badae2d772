import { stringify } from 'yaml';
import type { OutputFormat } from './negotiate.ts';
import { encodeProtobuf, protobufMediaType } from './protobuf/envelope.ts';

/** As Kubernetes writes YAML: keys in order, lists not indented, whatever YAML 1.1 might misread in quotes. */
const yamlStyle = {
  version: '1.1',
  aliasDuplicateObjects: false,
  lineWidth: 0,
  indentSeq: false,
  sortMapEntries: true,
} as const;

/** Something with a kind; discovery documents of the core group name no version. */
export interface Typed {
  readonly kind: string;
  readonly apiVersion?: string;
}

/** One object in the form chosen; for protobuf it must be of a kind that has a message. */
export function serialize(value: Typed, format: Pick<OutputFormat, 'mediaType' | 'pretty'>): Buffer {
  if (format.mediaType === protobufMediaType) return encodeProtobuf(value);
  if (format.mediaType === 'application/yaml') return Buffer.from(stringify(value, yamlStyle));
  return Buffer.from(format.pretty ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`);
}
