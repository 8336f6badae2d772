import { isStatusError, type KubernetesObject, type ResourceType } from '@keelson/core';
import type { ObjectReader } from '../admission/contract.ts';
import type { ApiHandler, UserInfo } from '../registry/contract.ts';

/** Reads objects by way of the API, in the name of a user. */
export function handlerReader(handler: ApiHandler, user: UserInfo): ObjectReader {
  const target = ({ group, version, plural: resource }: ResourceType<KubernetesObject>, namespace?: string) => ({
    group,
    version,
    resource,
    ...(namespace && { namespace }),
  });
  return {
    async get<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string) {
      const is = (object: KubernetesObject): object is T => object.kind === type.kind;
      try {
        const answer = await handler.handle({ ...target(type, namespace), verb: 'get', name }, user);
        return answer.type === 'object' && is(answer.value.object) ? answer.value.object : undefined;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return undefined;
        throw error;
      }
    },
    async list<T extends KubernetesObject>(type: ResourceType<T>, namespace?: string) {
      const is = (object: KubernetesObject): object is T => object.kind === type.kind;
      const answer = await handler.handle({ ...target(type, namespace), verb: 'list' }, user);
      return answer.type === 'list' ? answer.value.items.map(({ object }) => object).filter(is) : [];
    },
  };
}
