import type { JSONSchemaProps } from '@keelson/core';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { isKnownFormat } from './formats.ts';

/**
 * How much of a value a schema looks at, met or not. Of alternatives none of which is met, Kubernetes tells what is wrong
 * with the first of those that look at most of it.
 */
export function validatedParts(value: unknown, schema: JSONSchemaProps): number {
  if (value === null || value === undefined) return 0;
  let count = 3;
  if (schema.type) count++;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    count += 2;
    if (items) for (const each of value) count += validatedParts(each, items);
  } else if (typeof value === 'object') {
    const values = valuesOf(schema);
    count++;
    for (const [name, each] of Object.entries(value)) {
      const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      const type = own ?? (typeof values === 'object' ? values : undefined);
      if (type) count += validatedParts(each, type);
    }
  } else if (typeof value === 'number') count += 2;
  else if (typeof value === 'string') count += schema.format && isKnownFormat(schema.format) ? 3 : 1;
  return count;
}
