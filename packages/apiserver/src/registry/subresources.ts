import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject } from './contract.ts';
import type { Kind } from './kind.ts';
import { patchObject } from './patch-object.ts';
import { getObject } from './read-objects.ts';
import { replaceObject } from './update-object.ts';

export interface SubresourceAnswer {
  readonly value: EncodedObject;
  readonly code: 200 | 201;
}

export type SubresourceHandler = (context: RegistryContext, call: Call) => Promise<SubresourceAnswer>;

/** The whole object, of which the request changes one part. */
const part: SubresourceHandler = async (context, call) => {
  switch (call.request.verb) {
    case 'update':
      return { value: (await replaceObject(context, call)).value, code: 200 };
    case 'patch':
      return { value: (await patchObject(context, call)).value, code: 200 };
    default:
      return { value: await getObject(context, call), code: 200 };
  }
};

export function subresourceHandler(_kind: Kind, name: string): SubresourceHandler | undefined {
  return name === 'status' ? part : undefined;
}
