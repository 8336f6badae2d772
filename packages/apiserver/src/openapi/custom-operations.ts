import type { ServedResource } from '../registry/contract.ts';
import { customSchemaName } from './schemas.ts';
import type { OpenApiTables, Operation, Shape } from './tables.ts';

const types = ['application/json', 'application/yaml'];
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

interface Method {
  readonly method: string;
  readonly action: string;
  readonly verb: string;
  readonly named: boolean;
}

const methods: Readonly<Record<string, Method>> = {
  list: { method: 'get', action: 'list', verb: 'list', named: false },
  create: { method: 'post', action: 'post', verb: 'create', named: false },
  deletecollection: { method: 'delete', action: 'deletecollection', verb: 'delete', named: false },
  get: { method: 'get', action: 'get', verb: 'read', named: true },
  update: { method: 'put', action: 'put', verb: 'replace', named: true },
  patch: { method: 'patch', action: 'patch', verb: 'patch', named: true },
  delete: { method: 'delete', action: 'delete', verb: 'delete', named: true },
};

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const camel = (group: string) =>
  group
    .split(/[.-]/)
    .map((each, index) => (index === 0 ? each : capital(each)))
    .join('');

/** What the API's own operations have in common, less what custom resources do not have: protobuf, strategic merge. */
function shapesOf({ shapes }: OpenApiTables): (action: string) => Shape {
  const made = new Map<string, Shape>();
  const own = (action: string) =>
    shapes.find((each) => each.action === action && (each.parameters?.includes(' ') || action === 'get'));
  const selection = own('list')?.parameters ?? '';
  const version = selection.split(' ').find((key) => key.startsWith('resourceVersion-')) ?? '';
  const none: Shape = { codes: '200+ 401', schemes: 'https' };
  const base = { consumes: types, produces: types };
  const make = (action: string): Shape => {
    const shape = { ...(own(action) ?? none), ...base };
    if (action === 'get') return { ...shape, parameters: version };
    if (action === 'patch') return { ...shape, consumes: patchTypes, codes: '200+ 401' };
    if (action === 'deletecollection') return { ...shape, parameters: selection };
    return shape;
  };
  return (action) => {
    const shape = made.get(action) ?? make(action);
    made.set(action, shape);
    return shape;
  };
}

const shapesOfTables = new WeakMap<OpenApiTables, (action: string) => Shape>();

/** The operations of custom resources, which no generated table has, and the parameters that their paths share. */
export function customOperations(
  resources: readonly ServedResource[],
  tables: OpenApiTables,
): { readonly operations: readonly Operation[]; readonly pathParameters: Readonly<Record<string, string>> } {
  const shapeOf = shapesOfTables.get(tables) ?? shapesOf(tables);
  shapesOfTables.set(tables, shapeOf);
  const key = (name: string) => Object.keys(tables.parameters).find((each) => each.startsWith(`${name}-`)) ?? name;
  const pathParameters: Record<string, string> = {};
  const operations = resources.flatMap((resource) => {
    const { group, version, kind, namespaced } = resource;
    const base = `/apis/${group}/${version}`;
    const collection = `${base}${namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
    const schema = customSchemaName(group, version, kind);
    const place = capital(camel(group)) + capital(version);
    const of = (verbs: readonly string[], suffix: string, object: string) =>
      verbs.flatMap((verb): Operation[] => {
        const found = methods[verb];
        if (!found) return [];
        const { method, action, named } = found;
        const path = named ? `${collection}/{name}${suffix === '' ? '' : `/${suffix}`}` : collection;
        const shared = [...(named ? ['name'] : []), ...(namespaced ? [key('namespace')] : []), key('pretty')];
        pathParameters[path] = shared.join(' ');
        const middle = `${action === 'deletecollection' ? 'Collection' : ''}${namespaced ? 'Namespaced' : ''}`;
        return [
          {
            path,
            method,
            action,
            kind: { group, version, kind },
            id: `${found.verb}${place}${middle}${kind}${capital(suffix)}`,
            tag: `${camel(group)}_${version}`,
            shape: shapeOf(action),
            ...bodyOf(action, object),
            answer: answerOf(action, object),
          },
        ];
      });
    const main = of(resource.verbs, '', schema);
    const below = resource.subresources.flatMap(({ name, kind: own, verbs }) =>
      of(verbs, name, own.kind === 'Scale' ? 'io.k8s.api.autoscaling.v1.Scale' : schema),
    );
    if (!namespaced || !resource.verbs.includes('list')) return [...main, ...below];
    const all = `${base}/${resource.resource}`;
    const list = shapeOf('list');
    // The list of all namespaces has its parameters at its path.
    pathParameters[all] = [...(list.parameters ?? '').split(' '), key('pretty')].sort().join(' ');
    const { parameters: _, ...shape } = list;
    const everywhere: Operation = {
      path: all,
      method: 'get',
      action: 'list',
      kind: { group, version, kind },
      id: `list${place}${kind}ForAllNamespaces`,
      tag: `${camel(group)}_${version}`,
      shape,
      answer: `${schema}List`,
    };
    return [...main, ...below, everywhere];
  });
  return { operations, pathParameters };
}

function bodyOf(action: string, object: string): { readonly body?: string } {
  if (action === 'post' || action === 'put') return { body: object };
  if (action === 'patch') return { body: `${meta}Patch` };
  return action === 'delete' ? { body: `${meta}DeleteOptions` } : {};
}

function answerOf(action: string, object: string): string {
  if (action === 'list') return `${object}List`;
  return action === 'delete' || action === 'deletecollection' ? `${meta}Status` : object;
}
