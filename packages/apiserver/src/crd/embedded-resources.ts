import {
  type JSONSchemaProps,
  type ManagedFieldsEntry,
  type ObjectMeta,
  validateDnsLabel,
  validateObjectMeta,
} from '@keelson/core';
import { checkManagerName, mostSubresourceBytes } from '../registry/object-metadata.ts';
import type { FieldErrors } from '../registry/strategy.ts';
import { itemsOf, schemasBelow, valuesOf } from './custom-decoder.ts';

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const known = new WeakMap<JSONSchemaProps, boolean>();

/** Whether there is an embedded resource anywhere in a schema. */
function embeds(schema: JSONSchemaProps): boolean {
  let answer = known.get(schema);
  if (answer === undefined) {
    answer = schemasBelow(schema).some((each) => each['x-kubernetes-embedded-resource'] === true || embeds(each));
    known.set(schema, answer);
  }
  return answer;
}

/** What the server itself keeps of other objects, a client says of these. */
function validateManagers(entries: readonly ManagedFieldsEntry[], at: string, errors: FieldErrors): void {
  entries.forEach(({ operation = '', fieldsType = '', manager = '', subresource = '' }, index) => {
    const here = `${at}[${index}]`;
    if (operation !== 'Apply' && operation !== 'Update')
      errors.invalid(`${here}.operation`, operation, 'must be `Apply` or `Update`');
    if (fieldsType !== '' && fieldsType !== 'FieldsV1')
      errors.invalid(`${here}.fieldsType`, fieldsType, 'must be `FieldsV1`');
    checkManagerName(manager, `${here}.manager`, errors.list);
    if (Buffer.byteLength(subresource) > mostSubresourceBytes)
      errors.tooLong(`${here}.subresource`, mostSubresourceBytes);
  });
}

/** What is wrong with the metadata of resources that are part of others, which have been decoded as metadata. */
export function validateEmbedded(value: unknown, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  const own = schema['x-kubernetes-embedded-resource'] === true && at !== '';
  if (!own && !embeds(schema)) return;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (items) value.forEach((each, index) => void validateEmbedded(each, items, `${at}[${index}]`, errors));
    return;
  }
  if (!isObject(value)) return;
  const { metadata } = value;
  if (own && isObject(metadata)) {
    const meta = metadata as Json & ObjectMeta;
    errors.list.push(...validateObjectMeta(meta, `${at}.metadata`));
    if (meta.namespace) errors.rule(`${at}.metadata.namespace`, meta.namespace, validateDnsLabel(meta.namespace));
    validateManagers(meta.managedFields ?? [], `${at}.metadata.managedFields`, errors);
  }
  const values = valuesOf(schema);
  for (const [name, each] of Object.entries(value)) {
    const property = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
    const here = property ? (at === '' ? name : `${at}.${name}`) : `${at}[${name}]`;
    const next = property ?? (typeof values === 'object' ? values : undefined);
    if (next) validateEmbedded(each, next, here, errors);
  }
}
