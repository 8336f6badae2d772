import {
  any,
  anys,
  bytes,
  double,
  entries,
  extensions,
  fixed,
  flag,
  integer,
  type Loose,
  list,
  loose,
  message,
  named,
  nothing,
  pieces,
  text,
  texts,
} from './gnostic-wire.ts';

/** The binary form in which client-go reads OpenAPI v3. */
export const protobufV3MediaType = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';

/** Entries of the paths of a document, in the protobuf encoding of gnostic (openapiv3/OpenAPIv3.proto). */
export const pathsV3 = (paths: unknown): Buffer =>
  message(...entries(paths).map(([path, item]) => bytes(1, named(path, pathItem(loose(item))))));

/** Entries of its schemas. */
export const schemasV3 = (object: unknown): Buffer => namedSchemas(object);

/** A document of such entries, in pieces. */
export function documentV3(
  paths: readonly Buffer[],
  schemaEntries: readonly Buffer[],
  around: {
    readonly openapi: string;
    readonly info: { readonly title: string; readonly version: string };
    readonly securitySchemes: unknown;
  },
): readonly Buffer[] {
  const { openapi, info, securitySchemes } = around;
  const security = entries(securitySchemes).map(([name, each]) => bytes(1, named(name, bytes(1, scheme(loose(each))))));
  const components = [...(schemaEntries.length > 0 ? pieces(1, schemaEntries) : []), bytes(7, message(...security))];
  return [
    message(text(1, openapi), bytes(2, message(text(1, info.title), text(6, info.version)))),
    ...pieces(4, paths),
    ...pieces(5, components),
  ];
}

const scheme = (object: Loose) => message(text(1, object['type']), text(3, object['name']), text(4, object['in']));
const reference = (target: unknown) => bytes(2, text(1, target));

/** `SchemaOrReference`. */
function schema(value: unknown): Buffer {
  const object = loose(value);
  return object['$ref'] === undefined ? bytes(1, ownSchema(object)) : reference(object['$ref']);
}

const schemas = (field: number, values: unknown) => message(...list(values).map((each) => bytes(field, schema(each))));
const namedSchemas = (object: unknown) =>
  message(...entries(object).map(([name, each]) => bytes(1, named(name, schema(each)))));

function ownSchema(object: Loose): Buffer {
  const { properties, items, additionalProperties: others, not, default: preset, example } = object;
  return message(
    flag(1, object['nullable']),
    example === undefined ? nothing : bytes(7, any(example)),
    text(9, object['title']),
    double(10, object['multipleOf']),
    double(11, object['maximum']),
    flag(12, object['exclusiveMaximum']),
    double(13, object['minimum']),
    flag(14, object['exclusiveMinimum']),
    integer(15, object['maxLength']),
    integer(16, object['minLength']),
    text(17, object['pattern']),
    integer(18, object['maxItems']),
    integer(19, object['minItems']),
    flag(20, object['uniqueItems']),
    integer(21, object['maxProperties']),
    integer(22, object['minProperties']),
    texts(23, object['required']),
    anys(24, object['enum']),
    text(25, object['type']),
    schemas(26, object['allOf']),
    schemas(27, object['oneOf']),
    schemas(28, object['anyOf']),
    not === undefined ? nothing : bytes(29, ownSchema(loose(not))),
    items === undefined ? nothing : bytes(30, bytes(1, schema(items))),
    properties === undefined ? nothing : bytes(31, namedSchemas(properties)),
    others === undefined
      ? nothing
      : bytes(32, typeof others === 'boolean' ? flag(2, others) : bytes(1, schema(others))),
    presetOf(preset),
    text(34, object['description']),
    text(35, object['format']),
    extensions(36, object),
  );
}

/** `DefaultType` has only scalars, and says which of them even of a zero; of anything else that there is one. */
function presetOf(value: unknown): Buffer {
  if (value === undefined) return nothing;
  if (typeof value === 'number') return bytes(33, fixed(1, value));
  if (typeof value === 'boolean') return bytes(33, Buffer.from([2 * 8, value ? 1 : 0]));
  return bytes(33, typeof value === 'string' ? bytes(3, Buffer.from(value)) : nothing);
}

const methods = { get: 4, put: 5, post: 6, delete: 7, options: 8, head: 9, patch: 10, trace: 11 } as const;

function pathItem(item: Loose): Buffer {
  const operations = Object.entries(methods).map(([method, field]) =>
    item[method] === undefined ? nothing : bytes(field, operation(loose(item[method]))),
  );
  return message(...operations, parameters(13, item['parameters']));
}

function operation(object: Loose): Buffer {
  const responses = entries(object['responses']).map(([code, response]) => {
    const { description, content } = loose(response);
    return bytes(2, named(code, bytes(1, message(text(1, description), mediaTypes(3, content)))));
  });
  const { requestBody } = object;
  const { content, required } = loose(requestBody ?? {});
  return message(
    texts(1, object['tags']),
    text(3, object['description']),
    text(5, object['operationId']),
    parameters(6, object['parameters']),
    requestBody === undefined ? nothing : bytes(7, bytes(1, message(mediaTypes(2, content), flag(3, required)))),
    bytes(8, message(...responses)),
    extensions(13, object),
  );
}

function mediaTypes(field: number, content: unknown): Buffer {
  if (content === undefined) return nothing;
  const types = entries(content).map(([type, each]) => bytes(1, named(type, bytes(1, schema(loose(each)['schema'])))));
  return bytes(field, message(...types));
}

function parameters(field: number, values: unknown): Buffer {
  const own = list(values).map((each) => {
    const object = loose(each);
    const content = message(
      text(1, object['name']),
      text(2, object['in']),
      text(3, object['description']),
      flag(4, object['required']),
      bytes(10, schema(object['schema'] ?? {})),
    );
    return bytes(field, bytes(1, content));
  });
  return message(...own);
}
