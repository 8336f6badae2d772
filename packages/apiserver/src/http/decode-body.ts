import { type PatchType, StatusError } from '@keelson/core';
import { deepestJson } from '@keelson/core/machinery';
import { z } from 'zod';
import { DecodeError, decodeAs } from '../schema/index.ts';
import { type DecodedBody, patchFindings, readJson } from './body-findings.ts';
import { JsonSyntaxError } from './json-scan.ts';
import { mediaTypes } from './negotiate.ts';
import { openProtobuf } from './protobuf/decode-protobuf.ts';
import { protobufMediaType, type TypeMeta } from './protobuf/envelope.ts';
import { WireError } from './protobuf/wire.ts';
import { checkUtf8, readYaml, YamlError } from './read-yaml.ts';

/** How errors show what could not be read: the beginning of an object as it stands, of all else its bytes. */
function summary(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const shown = body.subarray(0, 30);
  const text = body[0] === 0x7b ? shown.toString() : shown.toString('hex');
  return body.length > shown.length ? `${text} ...` : text;
}

/** A body that must be an object of a kind. Rejects with 400, or 415 for a content type that is not understood. */
export function decodeObject(body: Buffer | string, contentType: string, kind: string, apiVersion = ''): DecodedBody {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return decodeAny(bytes, contentType, { kind, apiVersion }, (why) =>
    StatusError.badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`),
  );
}

const deleteOptions = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

/** The body of a DELETE. Rejects with 400 or 415. */
export function decodeDeleteOptions(body: Buffer, contentType: string): unknown {
  const type = { kind: 'DeleteOptions', apiVersion: 'v1' };
  const { value } = decodeAny(body, contentType, type, (why) => StatusError.badRequest(why));
  const { kind, apiVersion } = TypeOf.parse(value);
  if (kind !== undefined && kind !== '' && kind !== type.kind) {
    const version = JSON.stringify(apiVersion || 'v1');
    const place = 'in scheme "pkg/runtime/scheme.go:111"';
    throw StatusError.badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${version} ${place}`);
  }
  try {
    return decodeAs(deleteOptions, value, { unknown: [] });
  } catch (error) {
    if (error instanceof DecodeError) throw StatusError.badRequest(error.message);
    throw error;
  }
}

const TypeOf = z.looseObject({ kind: z.string().optional(), apiVersion: z.string().optional() }).catch({});

/** Throws a 415 for a content type in which no object comes. */
export function checkMediaType(contentType: string): void {
  const mediaType = parsedMediaType(contentType);
  if (mediaType === '' || mediaTypes.some((each) => each === mediaType)) return;
  throw unsupportedMediaType(mediaTypes);
}

function decodeAny(body: Buffer, contentType: string, type: TypeMeta, wrap: (why: string) => StatusError): DecodedBody {
  const mediaType = parsedMediaType(contentType);
  const noType = (why: string) => wrap(`couldn't get version/kind; json parse error: ${why}`);
  switch (mediaType) {
    case '':
    case 'application/json':
      if (body.length === 0) throw noType('unexpected end of JSON input');
      return withType(decodeJson(body.toString(), noType), noType);
    case 'application/yaml':
      return withType(decodeYaml(body, wrap), noType);
    case protobufMediaType:
      return decodeBinary(body, type, wrap);
    default:
      throw unsupportedMediaType(mediaTypes);
  }
}

const typeStruct =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Checks that what names the type of an object is text. No object at all is one of which nothing is said. */
function withType(decoded: DecodedBody, refuse: (why: string) => StatusError): DecodedBody {
  const { value } = decoded;
  if (value === null || value === undefined) return { ...decoded, value: {} };
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refuse(`json: cannot unmarshal ${typeName(value)} into Go value of type ${typeStruct}`);
  }
  const { kind, apiVersion } = value as { readonly kind?: unknown; readonly apiVersion?: unknown };
  if (typeof kind === 'string' && typeof apiVersion === 'string') return decoded;
  for (const [name, each] of Object.entries(value)) {
    if ((name !== 'kind' && name !== 'apiVersion') || typeof each === 'string' || each === null) continue;
    throw refuse(`json: cannot unmarshal ${typeName(each)} into Go struct field .${name} of type string`);
  }
  return decoded;
}

/** As Kubernetes tells it: what lies around the message makes a body unknown, what is in it makes it unfit. */
function decodeBinary(body: Buffer, type: TypeMeta, wrap: (why: string) => StatusError): DecodedBody {
  const found = attempt(
    () => openProtobuf(body, type),
    (error) => wrap(error.message),
  );
  const value = attempt(
    () => found.decode(),
    (error) => {
      const version = found.apiVersion.slice(found.apiVersion.indexOf('/') + 1);
      const place = `${found.kind} in version ${JSON.stringify(version)}`;
      return StatusError.badRequest(`${place} cannot be handled as a ${type.kind}: ${error.message}`);
    },
  );
  return { value, findings: [], withUnknown: (unknown) => unknown };
}

function attempt<T>(read: () => T, refuse: (error: Error) => StatusError): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireError || error instanceof SyntaxError || error instanceof RangeError) throw refuse(error);
    throw error;
  }
}

const noMergePatch = 'Invalid JSON Patch';

/** A patch body: JSON, or YAML for server-side apply. Where nothing is validated (`lenient`), it is read by others. */
export function decodePatch(body: Buffer | string, patchType: PatchType, lenient = false): DecodedBody {
  if (patchType === 'application/apply-patch+yaml') {
    return decodeYaml(body, (why) =>
      StatusError.badRequest(`error decoding YAML: error converting YAML to JSON: ${why}`),
    );
  }
  const prefix = patchType === 'application/strategic-merge-patch+json' ? '' : 'error decoding patch: ';
  const merges = patchType === 'application/merge-patch+json';
  const read = decodeJson(
    body.toString(),
    (why) => StatusError.badRequest(lenient ? (merges ? noMergePatch : why) : `${prefix}${why}`),
    'last',
  );
  const list = Array.isArray(read.value);
  const decoded = patchFindings(read, patchType);
  if (patchType === 'application/json-patch+json') {
    if (list || decoded.value === null) return decoded;
    const found = typeName(decoded.value);
    throw StatusError.badRequest(
      lenient
        ? `json: cannot unmarshal ${found} into Go value of type jsonpatch.Patch`
        : `error decoding patch: json: cannot unmarshal ${found} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  if (decoded.value === null) {
    if (patchType === 'application/strategic-merge-patch+json') return { ...decoded, value: {} };
    throw StatusError.badRequest(noMergePatch);
  }
  if (typeof decoded.value === 'object' && !list) return decoded;
  if (lenient && merges) {
    if (list) return decoded;
    throw StatusError.badRequest(noMergePatch);
  }
  throw StatusError.badRequest(
    `${prefix}json: cannot unmarshal ${typeName(decoded.value)} into Go value of type map[string]interface {}`,
  );
}

export const unsupportedMediaType = (accepted: readonly string[]) =>
  StatusError.of(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

export const mediaTypeOf = (contentType: string) => (contentType.split(';')[0] ?? '').trim().toLowerCase();

const parameters = /^(?:\s*;\s*[^\s;=,"]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;=,"]+)\s*)*;?\s*$/;

/** The media type of a body; `undefined` where its parameters cannot be read (RFC 9110, 8.3). */
function parsedMediaType(contentType: string): string | undefined {
  const semicolon = contentType.indexOf(';');
  if (semicolon >= 0 && !parameters.test(contentType.slice(semicolon))) return undefined;
  return mediaTypeOf(contentType);
}

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}

function decodeJson(
  text: string,
  wrap: (why: string) => StatusError,
  repeated: 'filled' | 'last' = 'filled',
): DecodedBody {
  try {
    return readJson(text, repeated);
  } catch (error) {
    if (error instanceof JsonSyntaxError || error instanceof SyntaxError) throw wrap(error.message);
    throw error;
  }
}

/** What may stand nowhere in a text (YAML 1.1, 4.1). */
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/;

function decodeYaml(body: Buffer | string, wrap: (why: string) => StatusError): DecodedBody {
  try {
    if (typeof body !== 'string') checkUtf8(body);
  } catch (error) {
    throw yamlRefusal(error, wrap);
  }
  const text = body.toString();
  if (controls.test(text)) throw wrap('yaml: control characters are not allowed');
  // Clients send JSON under YAML's name, above all in server-side apply; JSON is YAML, and much quicker to read.
  if (text.trimStart().startsWith('{')) {
    try {
      const decoded = decodeJson(text, wrap, 'last');
      // What is odd about it is told in the words for YAML.
      if (decoded.findings.length === 0) return decoded;
    } catch (error) {
      if (error instanceof StatusError && error.message.includes('exceeded max depth')) {
        throw wrap(`yaml: exceeded max depth of ${deepestJson}`);
      }
    }
  }
  try {
    return readYaml(text);
  } catch (error) {
    throw yamlRefusal(error, wrap);
  }
}

const yamlRefusal = (error: unknown, wrap: (why: string) => StatusError): unknown =>
  error instanceof YamlError ? wrap(`yaml: ${error.message}`) : error;
