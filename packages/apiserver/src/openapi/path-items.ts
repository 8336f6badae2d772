import { type Json, reference, type SchemaStyle } from './schemas.ts';
import type { OpenApiTables, Operation, Parameter } from './tables.ts';

const descriptions: Readonly<Record<string, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  401: 'Unauthorized',
};

type Tables = Pick<OpenApiTables, 'parameters' | 'pathParameters'>;

/** Groups operations into path items. */
export function pathItems(operations: readonly Operation[], tables: Tables, style: SchemaStyle): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    const item = paths[path] ?? {};
    paths[path] = item;
    item[method] = style.version === 3 ? third(operation, tables, style) : second(operation, tables, style);
    const shared = tables.pathParameters[path];
    if (shared !== undefined) item['parameters'] ??= keysIn(shared).map((key) => parameter(key, tables, style));
  }
  return paths;
}

const keysIn = (keys: string | undefined) => (keys === undefined || keys === '' ? [] : keys.split(' '));

function parameter(key: string, { parameters }: Tables, style: SchemaStyle): Json {
  const found = parameters[key] ?? { name: key, in: 'path', required: true, type: 'string', uniqueItems: true };
  if (style.version === 2) return isShared(key) ? { $ref: `#/parameters/${key}` } : { ...found };
  const { name, in: place, required, type = 'string', uniqueItems } = found;
  return { name, in: place, ...(required && { required }), schema: { type, ...(uniqueItems && { uniqueItems }) } };
}

/** Parameters that OpenAPI v2 writes once carry a hash after their name. */
export const isShared = (key: string) => /-.{8}$/.test(key);

const isBody = (key: string, { parameters }: Tables) => key === 'body' || parameters[key]?.in === 'body';

function tail({ kind, action }: Operation): Json {
  return { ...(action && { 'x-kubernetes-action': action }), ...(kind && { 'x-kubernetes-group-version-kind': kind }) };
}

const schemaOf = (name: string, style: SchemaStyle): Json =>
  name === 'string' ? { type: 'string' } : reference(name, style);

function answersOf({ shape, answer }: Operation, content: (name: string) => Json): Json {
  return Object.fromEntries(
    shape.codes.split(' ').map((each) => {
      const code = each.replace('+', '');
      return [code, { description: descriptions[code] ?? '', ...(each !== code && answer && content(answer)) }];
    }),
  );
}

function second(operation: Operation, tables: Tables, style: SchemaStyle): Json {
  const { shape, id, tag, body } = operation;
  const own = (key: string): Json => {
    if (key !== 'body' || body === undefined) return parameter(key, tables, style);
    return { name: 'body', in: 'body', ...(shape.bodyRequired && { required: true }), schema: reference(body, style) };
  };
  return {
    ...(shape.consumes && { consumes: shape.consumes }),
    ...(shape.produces && { produces: shape.produces }),
    schemes: shape.schemes.split(' '),
    tags: [tag],
    operationId: id,
    ...(shape.parameters !== undefined && { parameters: keysIn(shape.parameters).map(own) }),
    responses: answersOf(operation, (name) => ({ schema: schemaOf(name, style) })),
    ...tail(operation),
  };
}

function third(operation: Operation, tables: Tables, style: SchemaStyle): Json {
  const { shape, id, tag, body } = operation;
  const own = keysIn(shape.parameters).filter((key) => !isBody(key, tables));
  const content = (name: string, types: readonly string[] = []): Json => ({
    content: Object.fromEntries([...types].sort().map((type) => [type, { schema: schemaOf(name, style) }])),
  });
  return {
    tags: [tag],
    operationId: id,
    ...(own.length > 0 && { parameters: own.map((key) => parameter(key, tables, style)) }),
    ...(body && { requestBody: { ...content(body, shape.consumes), ...(shape.bodyRequired && { required: true }) } }),
    responses: answersOf(operation, (name) => content(name, shape.produces)),
    ...tail(operation),
  };
}

/** The parameters that the operations of OpenAPI v2 refer to. */
export function sharedParameters({ parameters }: Tables, style: SchemaStyle): Readonly<Record<string, Json>> {
  const entries = Object.entries(parameters).filter(([key]) => isShared(key));
  return Object.fromEntries(entries.map(([key, each]) => [key, withBody(each, style)]));
}

function withBody(parameter: Parameter, style: SchemaStyle): Json {
  const { schema, ...rest } = parameter;
  if (schema === undefined) return rest;
  return { ...rest, schema: reference(schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1), style) };
}
