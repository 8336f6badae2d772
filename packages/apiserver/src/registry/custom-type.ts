import { StatusError } from '@keelson/core';
import { excerpt } from './body-type.ts';
import type { Json } from './draft.ts';
import { isObject } from './draft.ts';
import type { Kind } from './kind.ts';
import { FieldErrors, goQuote } from './strategy.ts';

/** The JSON type of a value, as Go names it. */
export const goKind = (value: unknown) =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/** A version or kind that is no text. */
export const noTypeField = (field: string, told: unknown) =>
  `couldn't get version/kind; json parse error: json: cannot unmarshal ${goKind(told)} into Go struct field .${field} of type string`;

/**
 * Checks that the body of a custom resource says what it is, and says it of the version that was asked for. Throws a 400.
 * Nothing is taken from the request; whether it is of the kind is part of its validation (`refuseOtherType`).
 */
export function checkCustomVersion(
  { served, apiVersion }: { readonly served: Pick<Kind['served'], 'kind'>; readonly apiVersion: string },
  body: Readonly<Json>,
): void {
  const unrecognized = (why: string) =>
    StatusError.badRequest(
      `the object provided is unrecognized (must be of type ${served.kind}): ${why} (${excerpt(body)})`,
    );
  for (const [key, told] of Object.entries(body)) {
    const field = key.toLowerCase() === 'kind' ? 'kind' : key.toLowerCase() === 'apiversion' ? 'apiVersion' : undefined;
    if (field === undefined || told === null || told === undefined || typeof told === 'string') continue;
    throw unrecognized(noTypeField(field, told));
  }
  const version = String(body['apiVersion'] ?? '');
  if (version.split('/').length > 2) throw unrecognized(`unexpected GroupVersion string: ${version}`);
  if (!body['kind']) throw unrecognized(`Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  if (version === apiVersion) return;
  throw StatusError.badRequest(
    `the API version in the data (${version}) does not match the expected API version (${apiVersion})`,
  );
}

/**
 * Checks that a custom resource is of the kind and version that was asked for. Throws `Invalid` under the name of what it
 * says it is, with `errors` before that; what else is wrong with it is not looked for.
 */
export function refuseOtherType(
  { served, apiVersion }: Pick<Kind, 'served' | 'apiVersion'>,
  body: unknown,
  name: string,
  errors = new FieldErrors(),
): void {
  if (!served.custom || !isObject(body)) return;
  const [kind, version] = [String(body['kind']), String(body['apiVersion'])];
  if (kind === served.kind && version === apiVersion) return;
  for (const [field, told, must] of [
    ['kind', kind, served.kind],
    ['apiVersion', version, apiVersion],
  ] as const) {
    if (told === must) continue;
    const message = `Invalid value: ${goQuote(told)}: must be ${must}`;
    errors.list.push({ type: 'FieldValueInvalid', field, message });
  }
  const slash = version.indexOf('/');
  throw StatusError.invalid({ group: slash < 0 ? '' : version.slice(0, slash), resource: kind }, name, errors.list);
}
