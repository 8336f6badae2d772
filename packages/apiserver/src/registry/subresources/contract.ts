import type { Call } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import type { EncodedObject } from '../contract.ts';

export interface SubresourceAnswer {
  readonly value: EncodedObject;
  readonly code: 200 | 201;
}

export type SubresourceHandler = (context: RegistryContext, call: Call) => Promise<SubresourceAnswer>;
