import { type Container, type KubernetesObject, LimitRange, PersistentVolumeClaim, Pod } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { claimLimitErrors, podLimitErrors } from './limit-checks.ts';
import { objectAs } from './narrow.ts';
import { refuse } from './refuse.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** Gives containers the amounts that the namespace's LimitRanges have for those that name none, and holds all to the bounds. */
export function limitRanger({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    resources: [Pod, PersistentVolumeClaim],
    async admit(attributes) {
      const pod = limitedPod(attributes);
      if (!pod || attributes.namespace === undefined) return undefined;
      let next = pod;
      for (const limits of await reader.list(LimitRange, attributes.namespace)) next = withDefaults(next, limits);
      return next === pod ? undefined : next;
    },
    async validate(attributes) {
      const errorsOf = checksFor(attributes);
      if (!errorsOf || attributes.namespace === undefined) return;
      for (const limits of await reader.list(LimitRange, attributes.namespace)) {
        const errors = [...new Set(errorsOf(limits))];
        if (errors.length > 0)
          throw refuse(attributes, errors.length === 1 ? String(errors[0]) : `[${errors.join(', ')}]`);
      }
    },
  };
}

/** A pod that is new, or that is being resized: by nothing else its resources change. */
function limitedPod({
  operation,
  subresource,
  group,
  resource,
  object,
  oldObject,
}: AdmissionAttributes): Pod | undefined {
  if (group !== '' || resource !== 'pods' || object === undefined) return undefined;
  const limited =
    operation === 'CREATE' ? subresource === undefined : operation === 'UPDATE' && subresource === 'resize';
  // The resource is pods: the registry has decoded it as one.
  return limited && !isGoing(oldObject) ? (object as Pod) : undefined;
}

/** What is being deleted is let go whatever its size. */
const isGoing = (old: KubernetesObject | undefined) => old?.metadata.deletionTimestamp !== undefined;

function checksFor(attributes: AdmissionAttributes): ((limits: LimitRange) => readonly string[]) | undefined {
  const pod = limitedPod(attributes);
  if (pod) return (limits) => podLimitErrors(limits, pod);
  const { operation, oldObject } = attributes;
  if ((operation !== 'CREATE' && operation !== 'UPDATE') || isGoing(oldObject)) return undefined;
  const claim = objectAs(attributes, PersistentVolumeClaim);
  return claim && ((limits) => claimLimitErrors(limits, claim));
}

function withDefaults(pod: Pod, { spec }: LimitRange): Pod {
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const each of spec?.limits ?? []) {
    if (each.type !== 'Container') continue;
    Object.assign(requests, each.defaultRequest);
    Object.assign(limits, each.default);
  }
  const notes: string[] = [];
  const fill = (what: string) => (container: Container) => {
    const own = container.resources ?? {};
    const newRequests = Object.keys(requests).filter((name) => own.requests?.[name] === undefined);
    const newLimits = Object.keys(limits).filter((name) => own.limits?.[name] === undefined);
    if (newRequests.length > 0) notes.push(`${newRequests.sort().join(', ')} request for ${what} ${container.name}`);
    if (newLimits.length > 0) notes.push(`${newLimits.sort().join(', ')} limit for ${what} ${container.name}`);
    if (newRequests.length + newLimits.length === 0) return container;
    const resources = { ...own, limits: { ...limits, ...own.limits }, requests: { ...requests, ...own.requests } };
    return {
      ...container,
      resources: {
        ...resources,
        ...(Object.keys(resources.limits).length === 0 && { limits: undefined }),
        ...(Object.keys(resources.requests).length === 0 && { requests: undefined }),
      },
    };
  };
  const containers = (pod.spec.containers ?? []).map(fill('container'));
  const initContainers = pod.spec.initContainers?.map(fill('init container'));
  if (notes.length === 0) return pod;
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` },
    },
    spec: { ...pod.spec, containers, ...(initContainers && { initContainers }) },
  };
}
