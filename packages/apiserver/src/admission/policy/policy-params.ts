import { type KubernetesObject, labelSelectorMatches, type ParamKind, type ParamRef } from '@keelson/core';
import type { ParamObjects } from './contract.ts';

/**
 * The objects that a binding's `paramRef` means; the policy is asked once for each. Throws an `Error` in the words of
 * Kubernetes where there is none and there should be, or where they cannot be told.
 */
export async function collectParams(
  { name, namespace: named, selector, parameterNotFoundAction }: ParamRef,
  params: ParamObjects,
  requestNamespace: string,
): Promise<readonly KubernetesObject[]> {
  if (!params.namespaced && named) {
    throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const namespace = params.namespaced ? named || requestNamespace : undefined;
  if (namespace === '') {
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources');
  }
  const found = name
    ? [await params.get(name, namespace)].flatMap((each) => each ?? [])
    : (await params.list(namespace))
        .filter(({ metadata }) => labelSelectorMatches(selector, metadata.labels))
        .sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1));
  if (found.length === 0 && parameterNotFoundAction === 'Deny') {
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found;
}

export function missingParamKind({ apiVersion = '', kind }: ParamKind): Error {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return new Error(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`);
}
