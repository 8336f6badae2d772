import type { CustomResourceColumnDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from '@keelson/core';
import type { FieldErrors } from '../registry/strategy.ts';
import { fieldSchema } from './schema-path.ts';
import { structuralProblem } from './structural-schema.ts';

const types = ['boolean', 'date', 'integer', 'number', 'string'];
const formats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];
const simplePath = 'must be a simple json path starting with .';

export function checkColumn(column: CustomResourceColumnDefinition, at: string, errors: FieldErrors): void {
  const { name, type, format, jsonPath } = column;
  if (!name) errors.required(`${at}.name`);
  if (!type) errors.required(`${at}.type`, `must be one of ${types.join(',')}`);
  else if (!types.includes(type)) errors.invalid(`${at}.type`, type, `must be one of ${types.join(',')}`);
  if (format && !formats.includes(format))
    errors.invalid(`${at}.format`, format, `must be one of ${formats.join(',')}`);
  if (!jsonPath) errors.required(`${at}.JSONPath`);
  else if (!jsonPath.startsWith('.')) errors.invalid(`${at}.JSONPath`, jsonPath, simplePath);
}

type SelectableField = NonNullable<CustomResourceDefinitionVersion['selectableFields']>[number];

/** KEP-4358: fields that a field selector may name are single values of strings, booleans and integers. */
export function checkSelectableFields(
  fields: readonly SelectableField[] | undefined,
  schema: JSONSchemaProps | undefined,
  at: string,
  errors: FieldErrors,
): void {
  if (!fields?.length) return;
  if (!schema) {
    errors.invalid(
      at,
      '',
      at.startsWith('spec.versions')
        ? 'may only be set when `version.schema.openAPIV3Schema` is not included'
        : 'may only be set when validations.schema is included',
    );
    return;
  }
  const problem = structuralProblem(schema);
  if (problem !== undefined) {
    errors.invalid(`${at.slice(0, at.lastIndexOf('.'))}.schema.openAPIV3Schema`, '', problem);
  }
  const found = new Set<string>();
  fields.forEach(({ jsonPath = '' }, index) => {
    const here = `${at}[${index}].jsonPath`;
    if (jsonPath === '') {
      errors.required(here);
      return;
    }
    const { place, problem } = lookUp(jsonPath, schema);
    if (problem !== undefined) errors.invalid(here, jsonPath, problem);
    // A path that leads nowhere is nobody's twin.
    if (!place) return;
    if (found.has(jsonPath)) errors.duplicate(here, jsonPath);
    found.add(jsonPath);
  });
  if (found.size > 8) errors.tooMany(at, found.size, 8);
}

const single =
  'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';

interface Found {
  readonly place?: JSONSchemaProps;
  readonly problem?: string | undefined;
}

/** Where a path leads in a schema, and what is wrong with it. */
function lookUp(path: string, schema: JSONSchemaProps): Found {
  const wrong = (why: string) => ({ problem: `is an invalid path: ${why}` });
  if (path.includes('[') && /^[.[]/.test(path)) return wrong('array notation is not allowed');
  if (!path.startsWith('.')) return wrong(`expected [ or . but got: ${path.split(/[.[]/)[0]}`);
  let place: JSONSchemaProps | undefined = schema;
  for (const name of path.slice(1).split('.')) {
    if (name === '' && place && path.endsWith('.')) return wrong('unexpected end of JSON path');
    place = place && fieldSchema(place, name);
  }
  if (!place) return wrong('does not refer to a valid field');
  if (!['string', 'boolean', 'integer'].includes(place.type ?? '')) return { place, problem: single };
  return { place, problem: path.startsWith('.metadata.') ? 'must not point to fields in metadata' : undefined };
}
