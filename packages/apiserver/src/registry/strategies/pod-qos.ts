import { compareQuantity, type PodSpec, zeroQuantity } from '@keelson/core';

type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';
type Amounts = Readonly<Record<string, string>>;

const counted = ['cpu', 'memory'];
const isPositive = (value: string | undefined) => value !== undefined && compareQuantity(value, zeroQuantity) > 0;

/** Where the pod as a whole says what it takes, be it nothing, its containers are not asked. */
function classOfWhole(requests: Amounts, limits: Amounts): QosClass {
  const positive = (amounts: Amounts) => counted.filter((name) => isPositive(amounts[name]));
  const [asked, most] = [positive(requests), positive(limits)];
  if (asked.length === 0 && most.length === 0) return 'BestEffort';
  const guaranteed =
    most.length === counted.length &&
    asked.length === most.length &&
    asked.every((name) => compareQuantity(requests[name] ?? '0', limits[name] ?? '0') === 0);
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The quality of service class (kubernetes.io/docs/concepts/workloads/pods/pod-qos). */
export function qosClassOf(spec: PodSpec): QosClass {
  const { resources: whole } = spec;
  if (whole) return classOfWhole(whole.requests ?? {}, whole.limits ?? {});
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
