import { isJsonObject } from './json.ts';

/**
 * Whether what a server answered to a deletion is an object that is still there: it waits for finalizers, as a namespace
 * does for those in its spec, or for its grace period. One that is gone is answered with a Status, or as it was.
 */
export function isLeftByDeletion(answer: object): boolean {
  const { metadata, spec } = { metadata: undefined, spec: undefined, ...answer };
  if (!isJsonObject(metadata) || metadata['deletionTimestamp'] === undefined) return false;
  const { finalizers, deletionGracePeriodSeconds: grace } = metadata;
  return (
    isFilled(finalizers) ||
    (isJsonObject(spec) && isFilled(spec['finalizers'])) ||
    (typeof grace === 'number' && grace > 0)
  );
}

const isFilled = (list: unknown) => Array.isArray(list) && list.length > 0;
