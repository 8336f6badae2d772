import {
  anys,
  bytes,
  double,
  entries,
  extensions,
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

/** What kubectl before 1.29 and older Helm ask for, and do without no longer. */
export const protobufV2MediaType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Entries of the paths of a document, in the protobuf encoding of gnostic (openapiv2/OpenAPIv2.proto). */
export const pathsV2 = (paths: unknown): Buffer =>
  message(...entries(paths).map(([path, item]) => bytes(2, named(path, pathItem(loose(item))))));

/** Entries of its definitions. */
export const schemasV2 = (definitions: unknown): Buffer =>
  message(...entries(definitions).map(([name, each]) => bytes(1, named(name, schema(loose(each))))));

/** A document of such entries, in pieces. */
export function documentV2(
  paths: readonly Buffer[],
  definitions: readonly Buffer[],
  around: {
    readonly info: { readonly title: string; readonly version: string };
    readonly parameters: unknown;
    readonly securityDefinitions: unknown;
    readonly security: readonly unknown[];
  },
): readonly Buffer[] {
  const { info, parameters: shared, securityDefinitions, security } = around;
  const keys = entries(securityDefinitions).map(([name, each]) => bytes(1, named(name, bytes(2, apiKey(loose(each))))));
  const needs = security.map((each) =>
    bytes(12, message(...entries(each).map(([name, scopes]) => bytes(1, named(name, texts(1, scopes)))))),
  );
  return [
    message(text(1, '2.0'), bytes(2, message(text(1, info.title), text(2, info.version)))),
    ...pieces(8, paths),
    ...pieces(9, definitions),
    bytes(10, message(...entries(shared).map(([name, each]) => bytes(1, named(name, parameter(loose(each))))))),
    ...needs,
    bytes(13, message(...keys)),
  ];
}

const apiKey = (object: Loose) => message(text(1, object['type']), text(2, object['name']), text(3, object['in']));

function schema(object: Loose): Buffer {
  const nested = (value: unknown) => schema(loose(value));
  const { properties, items, additionalProperties: others } = object;
  return message(
    text(1, object['$ref']),
    text(2, object['format']),
    text(3, object['title']),
    text(4, object['description']),
    double(6, object['multipleOf']),
    double(7, object['maximum']),
    flag(8, object['exclusiveMaximum']),
    double(9, object['minimum']),
    flag(10, object['exclusiveMinimum']),
    integer(11, object['maxLength']),
    integer(12, object['minLength']),
    text(13, object['pattern']),
    integer(14, object['maxItems']),
    integer(15, object['minItems']),
    flag(16, object['uniqueItems']),
    integer(17, object['maxProperties']),
    integer(18, object['minProperties']),
    texts(19, object['required']),
    anys(20, object['enum']),
    others === undefined
      ? nothing
      : bytes(21, typeof others === 'boolean' ? flag(2, others) : bytes(1, nested(others))),
    typeof object['type'] === 'string' ? bytes(22, text(1, object['type'])) : nothing,
    items === undefined ? nothing : bytes(23, bytes(1, nested(items))),
    ...list(object['allOf']).map((each) => bytes(24, nested(each))),
    properties === undefined
      ? nothing
      : bytes(25, message(...entries(properties).map(([name, each]) => bytes(1, named(name, nested(each)))))),
    extensions(31, object),
  );
}

const methods = { get: 2, put: 3, post: 4, delete: 5, options: 6, head: 7, patch: 8 } as const;

function pathItem(item: Loose): Buffer {
  const operations = Object.entries(methods).map(([method, field]) =>
    item[method] === undefined ? nothing : bytes(field, operation(loose(item[method]))),
  );
  return message(...operations, parameters(9, item['parameters']));
}

function operation(object: Loose): Buffer {
  const responses = entries(object['responses']).map(([code, response]) => {
    const { description, schema: content } = loose(response);
    const body = content === undefined ? nothing : bytes(2, bytes(1, schema(loose(content))));
    return bytes(1, named(code, bytes(1, message(text(1, description), body))));
  });
  return message(
    texts(1, object['tags']),
    text(3, object['description']),
    text(5, object['operationId']),
    texts(6, object['produces']),
    texts(7, object['consumes']),
    parameters(8, object['parameters']),
    bytes(9, message(...responses)),
    texts(10, object['schemes']),
    extensions(13, object),
  );
}

const parameters = (field: number, values: unknown): Buffer =>
  message(...list(values).map((each) => bytes(field, parameterItem(loose(each)))));

const parameterItem = (object: Loose) =>
  object['$ref'] === undefined ? bytes(1, parameter(object)) : bytes(2, text(1, object['$ref']));

function parameter(object: Loose): Buffer {
  const { name, in: place, required, type, uniqueItems } = object;
  if (place === 'body') {
    const content = bytes(5, schema(loose(object['schema'] ?? {})));
    return bytes(1, message(text(2, name), text(3, place), flag(4, required), content));
  }
  const path = place === 'path';
  // A path's parameter has no `allowEmptyValue`: what follows stands one number earlier.
  const own = message(
    flag(1, required),
    text(2, place),
    text(4, name),
    text(path ? 5 : 6, type),
    flag(path ? 19 : 20, uniqueItems),
  );
  return bytes(2, bytes(path ? 4 : 3, own));
}
