import { compareQuantity, type PodSpec, zeroQuantity } from '@keelson/core';

const counted = ['cpu', 'memory'];
const isPositive = (value: string | undefined) => value !== undefined && compareQuantity(value, zeroQuantity) > 0;

/** The quality of service class (kubernetes.io/docs/concepts/workloads/pods/pod-qos). */
export function qosClassOf(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  let any = false;
  let guaranteed = true;
  for (const { resources } of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    for (const name of counted) {
      const request = resources?.requests?.[name];
      const limit = resources?.limits?.[name];
      if (isPositive(request) || isPositive(limit)) any = true;
      if (!isPositive(limit) || (request !== undefined && compareQuantity(request, limit ?? '0') !== 0))
        guaranteed = false;
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
