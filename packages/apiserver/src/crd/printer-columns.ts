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
  const seen = new Set<string>();
  const good = new Set<string>();
  fields.forEach(({ jsonPath = '' }, index) => {
    const here = `${at}[${index}].jsonPath`;
    if (jsonPath === '') {
      errors.required(here);
      return;
    }
    if (seen.has(jsonPath)) errors.duplicate(here, jsonPath);
    else if (checkSelectable(jsonPath, schema, here, errors)) good.add(jsonPath);
    seen.add(jsonPath);
  });
  if (good.size > 8) errors.tooMany(at, good.size, 8);
}

const single =
  'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';

function checkSelectable(path: string, schema: JSONSchemaProps, at: string, errors: FieldErrors): boolean {
  const why = selectableProblem(path, schema);
  if (why !== undefined) errors.invalid(at, path, why);
  return why === undefined;
}

function selectableProblem(path: string, schema: JSONSchemaProps): string | undefined {
  if (path.includes('[') && /^[.[]/.test(path)) return 'is an invalid path: array notation is not allowed';
  if (!path.startsWith('.')) return `is an invalid path: expected [ or . but got: ${path.split(/[.[]/)[0]}`;
  let place: JSONSchemaProps | undefined = schema;
  for (const name of path.slice(1).split('.')) {
    if (name === '' && place && path.endsWith('.')) return 'is an invalid path: unexpected end of JSON path';
    place = place && fieldSchema(place, name);
  }
  if (!place) return 'is an invalid path: does not refer to a valid field';
  if (!['string', 'boolean', 'integer'].includes(place.type ?? '')) return single;
  return path.startsWith('.metadata.') ? 'must not point to fields in metadata' : undefined;
}
