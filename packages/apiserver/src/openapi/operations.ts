import type { Json, SchemaStyle } from './schemas.ts';
import { reference } from './schemas.ts';

/** One method of one path, as the generated table has it. */
export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly action: string;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
}

/** Names of the schemas that an operation takes and gives. */
export interface OperationSchemas {
  readonly object: string | undefined;
  readonly list: string | undefined;
}

const statusSchema = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const watchEventSchema = 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent';
const deleteOptionsSchema = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const patchSchema = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch';

/** Schemas that the operations of every group version refer to. */
export const sharedSchemas = [statusSchema, watchEventSchema, deleteOptionsSchema, patchSchema];

const strings = (...names: string[]) => names.map((name) => ({ name, type: 'string' }));
const integers = (...names: string[]) => names.map((name) => ({ name, type: 'integer' }));
const flags = (...names: string[]) => names.map((name) => ({ name, type: 'boolean' }));

const writes = strings('dryRun', 'fieldManager', 'fieldValidation');
const selection = [
  ...strings('continue', 'fieldSelector', 'labelSelector', 'resourceVersion', 'resourceVersionMatch'),
  ...integers('limit', 'timeoutSeconds'),
  ...flags('sendInitialEvents'),
];
const deletion = [
  ...strings('dryRun', 'propagationPolicy'),
  ...integers('gracePeriodSeconds'),
  ...flags('orphanDependents'),
];
const parametersOf: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>> = {
  list: [...selection, ...flags('allowWatchBookmarks', 'watch')],
  watch: [...selection, ...flags('allowWatchBookmarks', 'watch')],
  watchlist: [...selection, ...flags('allowWatchBookmarks', 'watch')],
  post: writes,
  put: writes,
  patch: [...writes, ...flags('force')],
  delete: deletion,
  deletecollection: [...selection, ...deletion],
};

export const patchMediaTypes = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** Groups operations into path items. `schemasOf` names what each kind's schemas are. */
export function pathItems(
  operations: readonly Operation[],
  schemasOf: (operation: Operation) => OperationSchemas,
  style: SchemaStyle,
): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const item = paths[operation.path] ?? {};
    paths[operation.path] = item;
    item[operation.method] = describe(operation, schemasOf(operation), style);
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    item['parameters'] ??= [
      ...names.map((name) => parameter(name, 'path', 'string', style)),
      parameter('pretty', 'query', 'string', style),
    ];
  }
  return paths;
}

function parameter(name: string, place: 'path' | 'query', type: string, style: SchemaStyle): Json {
  const schema = { type, uniqueItems: true };
  const v3 = style.prefix === '#/components/schemas/';
  return { name, in: place, ...(place === 'path' && { required: true }), ...(v3 ? { schema } : schema) };
}

function describe(operation: Operation, schemas: OperationSchemas, style: SchemaStyle): Json {
  const { action, kind } = operation;
  const query = (parametersOf[action] ?? []).map(({ name, type }) => parameter(name, 'query', type, style));
  const body = bodySchema(action, schemas);
  const answer = answerSchema(action, schemas);
  const common = {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    operationId: operationId(operation),
  };
  if (style.prefix === '#/definitions/') {
    const inBody = body
      ? [{ name: 'body', in: 'body', required: action !== 'delete', schema: reference(body, style) }]
      : [];
    const ok = { description: 'OK', ...(answer && { schema: reference(answer, style) }) };
    return {
      ...common,
      consumes: action === 'patch' ? patchMediaTypes : ['*/*'],
      produces: ['application/json', 'application/yaml'],
      parameters: [...inBody, ...query],
      responses: { 200: ok, 401: { description: 'Unauthorized' } },
    };
  }
  const content = (name: string, types: readonly string[]) =>
    Object.fromEntries(types.map((type) => [type, { schema: reference(name, style) }]));
  const types = [
    'application/json',
    'application/yaml',
    ...(action === 'list' ? ['application/json;stream=watch'] : []),
  ];
  const reply = (description: string) => ({
    description,
    content: answer ? content(answer, types) : { '*/*': { schema: { type: 'string' } } },
  });
  return {
    ...common,
    ...(query.length > 0 && { parameters: query }),
    ...(body && {
      requestBody: {
        content: content(body, action === 'patch' ? patchMediaTypes : ['*/*']),
        ...(!action.startsWith('delete') && { required: true }),
      },
    }),
    responses: {
      200: reply('OK'),
      ...((action === 'post' || action === 'put' || action === 'patch') && { 201: reply('Created') }),
      ...((action === 'post' || action === 'delete') && { 202: reply('Accepted') }),
      401: { description: 'Unauthorized' },
    },
  };
}

function bodySchema(action: string, schemas: OperationSchemas): string | undefined {
  if (action === 'post' || action === 'put') return schemas.object;
  if (action === 'patch') return patchSchema;
  return action === 'delete' || action === 'deletecollection' ? deleteOptionsSchema : undefined;
}

function answerSchema(action: string, schemas: OperationSchemas): string | undefined {
  if (action === 'connect') return undefined;
  if (action === 'list') return schemas.list ?? schemas.object;
  if (action === 'watch' || action === 'watchlist') return watchEventSchema;
  return action === 'delete' || action === 'deletecollection' ? statusSchema : schemas.object;
}

const words: Readonly<Record<string, string>> = {
  get: 'read',
  post: 'create',
  put: 'replace',
  deletecollection: 'deleteCollection',
  watchlist: 'watch',
};

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** A name unique to the operation, such as `readCoreV1NamespacedConfigMap`. */
function operationId({ path, method, action, kind }: Operation): string {
  const parts = path.split('/').slice(1);
  const core = parts[0] === 'api';
  const group = core ? 'core' : (parts[1] ?? '').replace(/\.k8s\.io$/, '');
  const version = (core ? parts[1] : parts[2]) ?? '';
  const place = group.split('.').map(capital).join('') + capital(version);
  const namespaced = path.includes('/namespaces/{namespace}/');
  const list = action === 'list' || action === 'watchlist';
  const tail = path.includes('{name}/') ? path.slice(path.indexOf('{name}/') + 7).split('/') : [];
  const suffix = tail.map((each) => capital(each.replace(/[{}]/g, ''))).join('');
  const verb = action === 'connect' ? `connect${capital(method)}` : (words[action] ?? action);
  const scope = namespaced ? 'Namespaced' : '';
  return `${verb}${place}${scope}${kind.kind}${suffix}${list && path.includes('/watch/') ? 'List' : ''}${!namespaced && list ? 'ForAll' : ''}`;
}
