import type { JSONSchemaProps } from '@keelson/core';
import { valuesOf } from './custom-decoder.ts';

/** The schema of a field of an object; undefined where there can be none of that name. */
export function fieldSchema(schema: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
  if (own) return own;
  const values = valuesOf(schema);
  return typeof values === 'object' ? values : undefined;
}

const step = /\.([^.['\]]+)|\['((?:[^'\\]|\\.)+)'\]/y;

/** What a path of fields, as `.spec.a` or `['spec'].a`, leads to; undefined where it leads nowhere. */
export function schemaAt(schema: JSONSchemaProps, path: string): JSONSchemaProps | undefined {
  let place: JSONSchemaProps | undefined = schema;
  for (step.lastIndex = 0; step.lastIndex < path.length; ) {
    const [, plain, quoted] = step.exec(path) ?? [];
    const name = plain ?? quoted;
    if (name === undefined || !place) return undefined;
    place = fieldSchema(place, name);
  }
  return place;
}
