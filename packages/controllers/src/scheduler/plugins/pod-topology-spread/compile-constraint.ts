import type { LabelSelector, Pod, TopologySpreadConstraint } from '@keelson/core';
import type { PodQuery } from '@keelson/core/scheduling';
import { BoundedMap } from '../../cache/bounded-map.ts';
import { compileLabelSelector, selectorKey } from '../../cache/label-matcher.ts';

const compiled = new BoundedMap<PodQuery>(1024);

/** The pods that the constraint counts: of the pod's own namespace, alive, selected, and alike in `matchLabelKeys`. */
export function compileConstraint(pod: Pod, constraint: TopologySpreadConstraint): PodQuery {
  const alike = (constraint.matchLabelKeys ?? []).flatMap((key) => {
    const value = pod.metadata.labels?.[key];
    return value === undefined ? [] : [{ key, operator: 'In', values: [value] }];
  });
  const selector: LabelSelector | undefined = constraint.labelSelector && {
    ...constraint.labelSelector,
    matchExpressions: [...(constraint.labelSelector.matchExpressions ?? []), ...alike],
  };
  const namespace = pod.metadata.namespace ?? '';
  const key = `spread|${namespace}|${selectorKey(selector)}`;
  return compiled.getOrMake(key, () => {
    const matchesLabels = compileLabelSelector(selector);
    return {
      key,
      namespaces: [namespace],
      matches: (other) =>
        other.metadata.namespace === namespace &&
        other.metadata.deletionTimestamp === undefined &&
        matchesLabels(other.metadata.labels),
    };
  });
}
