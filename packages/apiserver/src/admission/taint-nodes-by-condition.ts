import { Node, wellKnown } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { objectAs } from './narrow.ts';

/** A new node takes no pods until somebody has seen it ready. */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    resources: [Node],
    admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const node = objectAs(attributes, Node);
      if (!node) return undefined;
      const taints = node.spec?.taints ?? [];
      if (taints.some((each) => each.key === wellKnown.notReadyTaint && each.effect === 'NoSchedule')) return undefined;
      return {
        ...node,
        spec: { ...node.spec, taints: [...taints, { key: wellKnown.notReadyTaint, effect: 'NoSchedule' }] },
      };
    },
  };
}
