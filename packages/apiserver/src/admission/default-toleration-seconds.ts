import { Pod, type Toleration, wellKnown } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import { objectAs } from './narrow.ts';

const tolerated = 300;

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export function defaultTolerationSeconds(): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    resources: [Pod],
    admit(attributes) {
      if (attributes.operation === 'DELETE') return undefined;
      const pod = objectAs(attributes, Pod);
      if (!pod) return undefined;
      const added = [wellKnown.notReadyTaint, wellKnown.unreachableTaint]
        .filter((key) => !pod.spec.tolerations?.some((each) => covers(each, key)))
        .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: tolerated }));
      if (added.length === 0) return undefined;
      return { ...pod, spec: { ...pod.spec, tolerations: [...(pod.spec.tolerations ?? []), ...added] } };
    },
  };
}

const covers = (toleration: Toleration, key: string) =>
  (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute');
