import type { CustomResourceColumnDefinition, CustomResourceDefinitionVersion, JSONSchemaProps } from '@keelson/core';
import type { FieldErrors } from '../registry/strategy.ts';

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
  const seen = new Set<string>();
  fields.slice(0, 8).forEach(({ jsonPath = '' }, index) => {
    const here = `${at}[${index}].jsonPath`;
    if (jsonPath === '') {
      errors.required(here);
      return;
    }
    if (seen.has(jsonPath)) errors.duplicate(here, jsonPath);
    else checkSelectable(jsonPath, schema, here, errors);
    seen.add(jsonPath);
  });
  if (fields.length > 8) errors.tooMany(at, fields.length, 8);
}

const single =
  'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';

function checkSelectable(path: string, schema: JSONSchemaProps, at: string, errors: FieldErrors): void {
  if (!path.startsWith('.')) {
    errors.invalid(at, path, `is an invalid path: expected [ or . but got: ${path.split(/[.[]/)[0]}`);
    return;
  }
  if (path.includes('[')) {
    errors.invalid(at, path, 'is an invalid path: array notation is not allowed');
    return;
  }
  let place: JSONSchemaProps | undefined = schema;
  for (const name of path.slice(1).split('.')) place = place?.properties?.[name];
  if (!place) errors.invalid(at, path, 'is an invalid path: does not refer to a valid field');
  else if (!['string', 'boolean', 'integer'].includes(place.type ?? '')) errors.invalid(at, path, single);
}
