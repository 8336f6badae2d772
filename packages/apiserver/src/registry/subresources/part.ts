import type { KubernetesObject } from '@keelson/core';
import type { ObjectDraft } from '../draft.ts';
import { patchObject } from '../patch-object.ts';
import { getObject } from '../read-objects.ts';
import { replaceObject } from '../update-object.ts';
import type { SubresourceHandler } from './contract.ts';

/** The whole object goes over the wire, but only one part of it is taken from the request. */
export const statusPart: SubresourceHandler = async (context, call) => {
  switch (call.request.verb) {
    case 'update':
      return { value: (await replaceObject(context, call)).value, code: 200 };
    case 'patch': {
      const { value, created } = await patchObject(context, call);
      return { value, code: created ? 201 : 200 };
    }
    default:
      return { value: await getObject(context, call), code: 200 };
  }
};

/** `keep` puts everything that the subresource does not offer back to what it was. */
export function specPart(keep: (wanted: ObjectDraft, old: KubernetesObject) => ObjectDraft): SubresourceHandler {
  return async (context, call) => {
    switch (call.request.verb) {
      case 'update':
        return { value: (await replaceObject(context, call, keep)).value, code: 200 };
      case 'patch':
        return { value: (await patchObject(context, call, keep)).value, code: 200 };
      default:
        return { value: await getObject(context, call), code: 200 };
    }
  };
}
