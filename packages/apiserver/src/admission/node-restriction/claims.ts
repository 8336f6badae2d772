import { deepEqual, type PersistentVolumeClaim } from '@keelson/core';
import { inGo } from '../../registry/strategies/go-internal.ts';
import { lineDiff } from '../../registry/strategies/pods/line-diff.ts';
import { refuse } from '../refuse.ts';
import type { Restrict } from './restrict.ts';

/** A kubelet reports what it has made of a claim's size, and nothing else of it. */
export const restrictClaim: Restrict = (node, attributes) => {
  const { operation, subresource, object, oldObject } = attributes;
  if (subresource !== 'status') throw refuse(attributes, 'may only update PVC status');
  if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${JSON.stringify(operation)}`);
  // The resource is persistentvolumeclaims: the registry has decoded both as such.
  const next = withoutSizes(object as PersistentVolumeClaim | undefined);
  const old = withoutSizes(oldObject as PersistentVolumeClaim | undefined);
  if (deepEqual(next, old)) return;
  throw refuse(
    attributes,
    `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions: ` +
      lineDiff(goText(old), goText(next)),
  );
};

function withoutSizes(claim: PersistentVolumeClaim | undefined) {
  if (!claim) return undefined;
  const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...status } = claim.status ?? {};
  const { resourceVersion, managedFields, ...metadata } = claim.metadata;
  return { metadata, spec: claim.spec, status };
}

/** The whole object as Kubernetes' messages show it; what kind it is does not stand in it. */
function goText(claim: ReturnType<typeof withoutSizes>): string {
  const { Kind, APIVersion, ...shown } = { ...(inGo('PersistentVolumeClaim', claim) as object) } as Record<
    string,
    unknown
  >;
  return JSON.stringify(shown, undefined, 1);
}
