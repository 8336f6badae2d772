import { stringify } from 'yaml';
import { z } from 'zod';

/** What kubectl before 1.29 and older Helm ask for, and do without no longer. */
export const protobufV2MediaType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const Loose = z.looseObject({});
type Loose = z.infer<typeof Loose>;

/** An OpenAPI v2 document in the protobuf encoding of gnostic (github.com/google/gnostic, openapiv2/OpenAPIv2.proto). */
export function encodeOpenApiV2(document: {
  readonly title: string;
  readonly version: string;
  readonly paths: Loose;
  readonly definitions: Loose;
}): Buffer {
  const { title, version, paths, definitions } = document;
  return message(
    text(1, '2.0'),
    bytes(2, message(text(1, title), text(2, version))),
    bytes(8, message(...entries(paths).map(([path, item]) => bytes(2, named(path, pathItem(Loose.parse(item))))))),
    bytes(9, message(...entries(definitions).map(([name, each]) => bytes(1, named(name, schema(Loose.parse(each))))))),
  );
}

const entries = (object: Loose) => Object.entries(object);
const message = (...parts: readonly Buffer[]) => Buffer.concat(parts);
const nothing = Buffer.alloc(0);

function varint(value: number): Buffer {
  const digits: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) digits.push((rest & 0x7f) | 0x80);
  return Buffer.from([...digits, rest]);
}

const bytes = (field: number, content: Buffer) =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
const text = (field: number, value: unknown) =>
  typeof value === 'string' && value !== '' ? bytes(field, Buffer.from(value)) : nothing;
const flag = (field: number, value: unknown) =>
  value === true ? Buffer.concat([varint(field * 8), varint(1)]) : nothing;
const texts = (field: number, values: unknown) =>
  Buffer.concat((z.array(z.string()).safeParse(values).data ?? []).map((each) => text(field, each)));
const named = (name: string, value: Buffer) => message(text(1, name), bytes(2, value));

/** Everything that begins with `x-`, its value as YAML. */
function extensions(field: number, object: Loose): Buffer {
  const own = entries(object).filter(([name]) => name.startsWith('x-'));
  return message(...own.map(([name, value]) => bytes(field, named(name, bytes(2, Buffer.from(stringify(value)))))));
}

function schema(object: Loose): Buffer {
  const nested = (value: unknown) => schema(Loose.parse(value));
  const { properties, items, additionalProperties: others, allOf } = object;
  return message(
    text(1, object['$ref']),
    text(2, object['format']),
    text(4, object['description']),
    texts(19, object['required']),
    others === undefined
      ? nothing
      : bytes(21, typeof others === 'boolean' ? flag(2, others) : bytes(1, nested(others))),
    typeof object['type'] === 'string' ? bytes(22, text(1, object['type'])) : nothing,
    items === undefined ? nothing : bytes(23, bytes(1, nested(items))),
    ...(Array.isArray(allOf) ? allOf.map((each: unknown) => bytes(24, nested(each))) : []),
    properties === undefined
      ? nothing
      : bytes(
          25,
          message(...entries(Loose.parse(properties)).map(([name, each]) => bytes(1, named(name, nested(each))))),
        ),
    extensions(31, object),
  );
}

const methods = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const;

function pathItem(item: Loose): Buffer {
  const operations = Object.entries(methods).map(([method, field]) =>
    item[method] === undefined ? nothing : bytes(field, operation(Loose.parse(item[method]))),
  );
  return message(...operations, parameters(9, item['parameters']));
}

function operation(object: Loose): Buffer {
  const responses = entries(Loose.parse(object['responses'] ?? {})).map(([code, response]) => {
    const { description, schema: content } = Loose.parse(response);
    const body = content === undefined ? nothing : bytes(2, bytes(1, schema(Loose.parse(content))));
    return bytes(1, named(code, bytes(1, message(text(1, description), body))));
  });
  return message(
    text(5, object['operationId']),
    texts(6, object['produces']),
    texts(7, object['consumes']),
    parameters(8, object['parameters']),
    bytes(9, message(...responses)),
    extensions(13, object),
  );
}

function parameters(field: number, list: unknown): Buffer {
  if (!Array.isArray(list)) return nothing;
  const items: readonly unknown[] = list;
  return message(...items.map((each) => bytes(field, bytes(1, parameter(Loose.parse(each))))));
}

function parameter(object: Loose): Buffer {
  const { name, in: place, required, type } = object;
  if (place === 'body') {
    const content = bytes(5, schema(Loose.parse(object['schema'] ?? {})));
    return bytes(1, message(text(2, name), text(3, place), flag(4, required), content));
  }
  const path = place === 'path';
  // A path's parameter has no `allowEmptyValue`: its type stands one number earlier.
  const own = message(flag(1, required), text(2, place), text(4, name), text(path ? 5 : 6, type));
  return bytes(2, bytes(path ? 4 : 3, own));
}
