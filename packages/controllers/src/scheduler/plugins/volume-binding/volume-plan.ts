import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '@keelson/core';
import { compileNodeSelectorTerm } from '../../cache/label-matcher.ts';

/** What a pod's claims mean for its placing. */
export interface VolumePlan {
  /** Volumes that are bound already: the node must reach them. */
  readonly bound: readonly PersistentVolume[];
  /** Claims whose volume is chosen together with the node. */
  readonly delayed: readonly { readonly claim: PersistentVolumeClaim; readonly storageClass: StorageClass }[];
}

/** Whether the volume can be used on the node (`spec.nodeAffinity.required`). */
export function reaches(volume: PersistentVolume, node: Node): boolean {
  const terms = volume.spec?.nodeAffinity?.required?.nodeSelectorTerms;
  return !terms || terms.some((term) => compileNodeSelectorTerm(term)(node));
}

/** Whether the class allows volumes for this node (`allowedTopologies`). */
export function allows(storageClass: StorageClass, node: Node): boolean {
  const topologies = storageClass.allowedTopologies ?? [];
  return (
    topologies.length === 0 ||
    topologies.some((each) =>
      (each.matchLabelExpressions ?? []).every(({ key, values }) => {
        const value = node.metadata.labels?.[key];
        return value !== undefined && values.includes(value);
      }),
    )
  );
}
