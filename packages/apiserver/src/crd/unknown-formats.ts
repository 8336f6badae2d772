import type { CustomResourceDefinition, JSONSchemaProps } from '@keelson/core';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { isKnownFormat } from './formats.ts';

/** Warnings about formats of texts that mean nothing, and did not stand in the definition before. */
export function unknownFormatWarnings(
  definition: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
): readonly string[] {
  const found = formatsIn(definition);
  if (found.size === 0) return [];
  const before = old ? formatsIn(old) : new Set<string>();
  return [...found]
    .filter((each) => !before.has(each))
    .sort()
    .map((each) => `unrecognized format ${JSON.stringify(each)}`);
}

function formatsIn({ spec }: CustomResourceDefinition): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { schema } of spec.versions ?? []) if (schema?.openAPIV3Schema) collect(schema.openAPIV3Schema, found);
  return found;
}

function collect(schema: JSONSchemaProps, found: Set<string>): void {
  const { type, format, properties } = schema;
  if (type === 'string' && format && !isKnownFormat(format)) found.add(format);
  for (const each of Object.values(properties ?? {})) collect(each, found);
  const [items, values] = [itemsOf(schema), valuesOf(schema)];
  if (items) collect(items, found);
  if (typeof values === 'object') collect(values, found);
}
