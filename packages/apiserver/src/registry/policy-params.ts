import { type ApiRequest, isStatusError } from '@keelson/core';
import type { FindParams } from '../admission/index.ts';
import { apiServerUser } from './api-server-user.ts';
import type { ApiAnswer, ResourceCatalog, UserInfo } from './contract.ts';

/** What policies take their parameters from: objects of any kind that is served, in the version that is asked for. */
export function findParams(
  catalog: Pick<ResourceCatalog, 'list'>,
  handle: (request: ApiRequest, user: UserInfo) => Promise<ApiAnswer>,
): FindParams {
  return ({ apiVersion = '', kind }) => {
    const [version = '', group = ''] = apiVersion.split('/').reverse();
    const found = catalog.list().find((each) => each.group === group && each.version === version && each.kind === kind);
    if (!found?.verbs.includes('get')) return undefined;
    const { resource, namespaced } = found;
    const target = { group, version, resource };
    return {
      namespaced,
      async get(name, namespace) {
        try {
          const answer = await handle({ ...target, verb: 'get', name, ...(namespace && { namespace }) }, apiServerUser);
          return answer.type === 'object' ? answer.value.object : undefined;
        } catch (error) {
          if (isStatusError(error, 'NotFound')) return undefined;
          throw error;
        }
      },
      async list(namespace) {
        const answer = await handle({ ...target, verb: 'list', ...(namespace && { namespace }) }, apiServerUser);
        return answer.type === 'list' ? answer.value.items.map((each) => each.object) : [];
      },
    };
  };
}
