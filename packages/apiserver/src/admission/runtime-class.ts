import { compareQuantity, deepEqual, Pod, type PodSpec, RuntimeClass } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';

type Resources = Readonly<Record<string, string>>;

/** Pods take over what their RuntimeClass costs (KEP-688) and where it can run; a class that is not there is refused. */
export function runtimeClass({ reader }: AdmissionEnvironment): AdmissionPlugin {
  const find = async (attributes: AdmissionAttributes, { runtimeClassName: name }: PodSpec) => {
    if (!name) return undefined;
    const found = await reader.get(RuntimeClass, name);
    if (!found) throw refuse(attributes, `pod rejected: RuntimeClass "${name}" not found`);
    return found;
  };
  return {
    name: 'RuntimeClass',
    resources: [Pod],
    async admit(attributes) {
      const pod = attributes.operation === 'CREATE' ? objectAs(attributes, Pod) : undefined;
      const found = pod && (await find(attributes, pod.spec));
      if (!pod || !found) return undefined;
      const overhead = found.overhead?.podFixed;
      if (overhead && pod.spec.overhead && !sameAmounts(overhead, pod.spec.overhead)) throw mismatch(attributes);
      const { nodeSelector, tolerations } = found.scheduling ?? {};
      for (const [label, value] of Object.entries(nodeSelector ?? {})) {
        const own = pod.spec.nodeSelector?.[label];
        if (own !== undefined && own !== value) {
          throw refuse(
            attributes,
            `conflict: runtimeClass.scheduling.nodeSelector[${label}] = ${value}; pod.spec.nodeSelector[${label}] = ${own}`,
          );
        }
      }
      const missing = (tolerations ?? []).filter((each) => !pod.spec.tolerations?.some((own) => deepEqual(own, each)));
      if (!overhead && !nodeSelector && missing.length === 0) return undefined;
      return {
        ...pod,
        spec: {
          ...pod.spec,
          ...(overhead && { overhead }),
          ...(nodeSelector && { nodeSelector: { ...pod.spec.nodeSelector, ...nodeSelector } }),
          ...(missing.length > 0 && { tolerations: [...(pod.spec.tolerations ?? []), ...missing] }),
        },
      };
    },
    async validate(attributes) {
      const pod = attributes.operation === 'CREATE' ? objectAs(attributes, Pod) : undefined;
      if (!pod) return;
      const overhead = (await find(attributes, pod.spec))?.overhead?.podFixed;
      if (overhead) {
        if (!sameAmounts(overhead, pod.spec.overhead ?? {})) throw mismatch(attributes);
      } else if (pod.spec.overhead && Object.keys(pod.spec.overhead).length > 0) {
        throw refuse(attributes, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      }
    },
  };
}

const mismatch = (attributes: AdmissionAttributes) =>
  refuse(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");

function sameAmounts(a: Resources, b: Resources): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => b[name] !== undefined && compareQuantity(a[name] ?? '0', b[name]) === 0)
  );
}
