import type { KubernetesObject } from '@keelson/core';
import type { ObjectDraft } from './draft.ts';

/** Two shapes of one object. `toStored` may write into its argument. */
export interface Conversion {
  toStored(object: ObjectDraft): ObjectDraft;
  fromStored(object: KubernetesObject): KubernetesObject;
  /** Keeps what has been converted from defaults that the served version does not have. */
  settle?(object: ObjectDraft): ObjectDraft;
}
