import type { Pod } from '@keelson/core';

/** An index of pods by the node that they are bound to. */
export const byNode = 'node-lifecycle/node';
export const nodeOfPod = (pod: Pod): readonly string[] => (pod.spec?.nodeName ? [pod.spec.nodeName] : []);
