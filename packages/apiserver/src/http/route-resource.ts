import { StatusError } from '@keelson/core';
import type { ServedResource } from '../registry/contract.ts';
import type { ResourceRequest } from './request-info.ts';

const collectionVerbs: ReadonlySet<string> = new Set(['list', 'create', 'watch']);

/** The method of HTTP that asks for a verb. */
const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

export const unknownResource = () =>
  StatusError.of(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = () =>
  StatusError.of(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

/** What may be done at the path of a request, as methods of HTTP; empty where there is no such path. */
function methodsAt(info: ResourceRequest, served: ServedResource): readonly string[] {
  const { namespace, name, subresource, rest, watchPath } = info;
  if ((rest !== undefined && rest !== '/') || name?.includes('/') || namespace?.includes('/')) return [];
  if (namespace !== undefined && !served.namespaced) return [];
  const of = (verbs: readonly string[]) => verbs.flatMap((verb) => methods[verb] ?? []);
  const has = (...verbs: readonly string[]) => of(served.verbs.filter((each) => verbs.includes(each)));
  if (name === undefined && subresource !== undefined) return [];
  if (watchPath) return subresource === undefined ? has('watch') : [];
  const everywhere = served.namespaced && namespace === undefined;
  if (name === undefined) return everywhere ? has('list') : has('list', 'create', 'deletecollection');
  if (everywhere) return [];
  if (subresource === undefined) return has('get', 'update', 'patch', 'delete');
  return of(served.subresources.find((each) => each.name === subresource)?.verbs ?? []);
}

/** The paths that nearly all requests ask for, told without a list of what else there is. */
function isPlain({ verb, namespace, name, subresource, rest, watchPath }: ResourceRequest, served: ServedResource) {
  if (rest !== undefined || subresource !== undefined || watchPath) return false;
  if (name?.includes('/') || namespace?.includes('/')) return false;
  if (served.namespaced !== (namespace !== undefined)) return false;
  if (verb === 'deletecollection' || (name === undefined) !== collectionVerbs.has(verb)) return false;
  return served.verbs.includes(verb);
}

/** Throws 404 where there is no such path, 405 where the path does not know the method. */
export function checkRoute(info: ResourceRequest, served: ServedResource, method: string): void {
  if (methods[info.verb] === method && isPlain(info, served)) return;
  const known = methodsAt(info, served);
  if (known.length === 0) throw unknownResource();
  if (!known.includes(method)) throw methodNotAllowed();
}

/**
 * As `checkRoute`, for custom resources, of whose paths Kubernetes takes another view. `false`: there is no such path,
 * and not even an API that could say so.
 */
export function checkCustomRoute(info: ResourceRequest, served: ServedResource, method: string): boolean {
  const { group, resource } = served;
  const { name, namespace, subresource, rest } = info;
  const atHome = served.namespaced ? namespace !== undefined : namespace === undefined;
  if (!atHome && !(served.namespaced && name === undefined && method === 'GET')) return false;
  const known = subresource === undefined || served.subresources.some((each) => each.name === subresource);
  if (!known || (rest !== undefined && rest !== '/')) throw StatusError.notFound({ group, resource }, name ?? '');
  if (name === undefined && (method === 'PUT' || method === 'PATCH')) {
    throw StatusError.badRequest('name must be provided');
  }
  if (method !== 'HEAD' && !Object.values(methods).includes(method)) {
    const message = ` is not supported on resources of kind "${resource}.${group}"`;
    throw StatusError.of(405, 'MethodNotAllowed', message, { group, kind: resource });
  }
  return true;
}
