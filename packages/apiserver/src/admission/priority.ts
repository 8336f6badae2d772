import { Pod, PriorityClass } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';

const systemPriorities: ReadonlyMap<string, number> = new Map(
  Object.entries<number>({
    'system-cluster-critical': 2_000_000_000,
    'system-node-critical': 2_000_001_000,
  }),
);

/** Turns the name of a PriorityClass into its number, and keeps anybody from choosing the number. */
export function priority({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'Priority',
    resources: [Pod],
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return undefined;
      const pod = objectAs(attributes, Pod);
      if (!pod) return undefined;
      const fail = (why: string) => refuse(attributes, why);
      const { priorityClassName: name } = pod.spec;
      let value = 0;
      let preemptionPolicy = 'PreemptLowerPriority';
      let className = name;
      if (name) {
        const found = await reader.get(PriorityClass, name);
        if (!found && systemPriorities.get(name) === undefined)
          throw fail(`no PriorityClass with name ${name} was found`);
        value = found?.value ?? systemPriorities.get(name) ?? 0;
        preemptionPolicy = found?.preemptionPolicy ?? preemptionPolicy;
      } else {
        const chosen = (await reader.list(PriorityClass))
          .filter((each) => each.globalDefault)
          .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
        if (chosen) {
          className = chosen.metadata.name;
          value = chosen.value ?? 0;
          preemptionPolicy = chosen.preemptionPolicy ?? preemptionPolicy;
        }
      }
      if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
        throw fail(
          `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      const wanted = pod.spec.preemptionPolicy;
      if (wanted !== undefined && wanted !== preemptionPolicy) {
        throw fail(
          `the string value of PreemptionPolicy (${wanted}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
        );
      }
      return {
        ...pod,
        spec: {
          ...pod.spec,
          ...(className !== undefined && { priorityClassName: className }),
          priority: value,
          preemptionPolicy,
        },
      };
    },
  };
}
