import type { PatchField, PatchSchema } from '@keelson/core';
import type { Schema } from '../registry/contract.ts';
import { definitions } from './table.ts';

const known = new Map<string, PatchSchema>();

/** How the fields of a definition take part in a strategic merge patch. */
export function patchSchemaOf(definition: string): PatchSchema {
  let schema = known.get(definition);
  if (!schema) {
    const fields = new Map<string, PatchField>();
    const typeName = definition.slice(definition.lastIndexOf('.') + 1);
    schema = {
      typeName,
      field(name) {
        let field = fields.get(name);
        const declared = definitions()[definition]?.properties?.[name];
        if (!field && declared) {
          field = patchField(declared);
          fields.set(name, field);
        }
        return field;
      },
    };
    known.set(definition, schema);
  }
  return schema;
}

function patchField(schema: Schema): PatchField {
  const strategy = schema['x-kubernetes-patch-strategy'];
  const mergeKey = schema['x-kubernetes-patch-merge-key'];
  const below = schema.ref ?? schema.items?.ref;
  const struct = below !== undefined && definitions()[below]?.properties !== undefined;
  return {
    ...(typeof strategy === 'string' && { patchStrategy: strategy.split(',') }),
    ...(typeof mergeKey === 'string' && { patchMergeKey: mergeKey }),
    list: schema.type === 'array',
    ...(struct && { schema: patchSchemaOf(below) }),
  };
}
