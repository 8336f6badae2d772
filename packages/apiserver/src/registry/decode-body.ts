import { type ApiRequest, StatusError } from '@keelson/core';
import { nestsDeeper } from '@keelson/core/machinery';
import { DecodeError, withNumberTexts } from '../schema/index.ts';
import { type AskedKind, checkBodyType } from './body-type.ts';
import { checkCustomVersion } from './custom-type.ts';
import { keepReset } from './decode-patched.ts';
import { isObject, type ObjectDraft } from './draft.ts';
import type { DecodeResult, Kind } from './kind.ts';
import { dedupeOwners } from './owner-references.ts';

/** What is known of a kind whose objects are decoded. */
export interface Decodable extends Pick<Kind, 'apiVersion' | 'decode'> {
  readonly served: AskedKind;
}

/** Checks what the body says it is, and its shape. Throws a 400 in the words of Kubernetes' decoder. */
export function decodeBody(
  kind: Decodable,
  body: unknown,
  { options, bodyFindings }: Pick<ApiRequest, 'options' | 'bodyFindings'>,
  warn: (text: string) => void,
): ObjectDraft {
  const { served } = kind;
  if (!isObject(body)) throw unrecognized(served.kind, body);
  if (served.custom) {
    checkDepth(body);
    checkCustomVersion(kind, body);
  } else checkBodyType(kind, body);
  const cannot = (why: string) =>
    StatusError.badRequest(
      `${served.kind} in version ${JSON.stringify(served.version)} cannot be handled as a ${served.kind}: ${why}`,
    );
  const { object, unknown } = attempt(() => kind.decode(served.custom ? body : withNumberTexts(body)), cannot);
  const findings = bodyFindings?.(unknown) ?? unknown;
  if (findings.length > 0) {
    const validation = options?.fieldValidation ?? 'Warn';
    if (validation === 'Strict') throw cannot(`strict decoding error: ${findings.join(', ')}`);
    if (validation === 'Warn') for (const each of findings) warn(each);
  }
  const twice = dedupeOwners(object);
  if (twice !== undefined) warn(twice);
  return keepReset(object, body);
}

function attempt(decode: () => DecodeResult, cannot: (why: string) => StatusError): DecodeResult {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DecodeError) throw cannot(error.message);
    throw error;
  }
}

function unrecognized(kind: string, body: unknown): StatusError {
  const text = body === undefined ? '' : JSON.stringify(body);
  const found = Array.isArray(body)
    ? 'array'
    : body === null
      ? 'null'
      : typeof body === 'boolean'
        ? 'bool'
        : typeof body;
  const why =
    text === ''
      ? 'unexpected end of JSON input (<empty>)'
      : `json: cannot unmarshal ${found} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (${Buffer.from(text).toString('hex').slice(0, 2048)})`;
  return StatusError.badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why}`,
  );
}

/** Code that goes down level by level must not run out of stack, whatever comes in. */
export function checkDepth(value: unknown): void {
  if (nestsDeeper(value)) throw StatusError.badRequest('exceeded max depth');
}
