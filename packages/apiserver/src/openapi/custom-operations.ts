import type { ServedResource } from '../registry/contract.ts';
import type { Operation } from './operations.ts';

const methods: Readonly<Record<string, { readonly method: string; readonly action: string; readonly named: boolean }>> =
  {
    list: { method: 'get', action: 'list', named: false },
    create: { method: 'post', action: 'post', named: false },
    deletecollection: { method: 'delete', action: 'deletecollection', named: false },
    get: { method: 'get', action: 'get', named: true },
    update: { method: 'put', action: 'put', named: true },
    patch: { method: 'patch', action: 'patch', named: true },
    delete: { method: 'delete', action: 'delete', named: true },
  };

/** The operations of a custom resource, which no generated table has. */
export function customOperations(resource: ServedResource): Operation[] {
  const base = `/apis/${resource.group}/${resource.version}`;
  const collection = `${base}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.resource}`;
  const kind = { group: resource.group, version: resource.version, kind: resource.kind };
  const of = (verbs: readonly string[], path: string, kindOf: Operation['kind'], suffix = '') =>
    verbs.flatMap((verb): Operation[] => {
      const found = methods[verb];
      if (!found) return [];
      const { method, action, named } = found;
      return [{ path: named ? `${path}/{name}${suffix}` : path, method, action, kind: kindOf }];
    });
  return [
    ...of(resource.verbs, collection, kind),
    ...(resource.namespaced ? of(['list'], `${base}/${resource.resource}`, kind) : []),
    ...resource.subresources.flatMap(({ name, kind: own, verbs }) =>
      of(verbs, collection, own.version === '' ? kind : own, `/${name}`),
    ),
  ];
}
