import type { APIService } from '@keelson/core';

/** Who made an APIService of this server's own: at the start, or as long as a definition serves the version. */
export const automanaged = 'kube-aggregator.kubernetes.io/automanaged';

/** Priorities of the groups as every cluster of this version gives them: of the group, then of its versions. */
const priorities: Readonly<Record<string, readonly [number, Readonly<Record<string, number>>?]>> = {
  '': [18000, { v1: 1 }],
  apps: [17800],
  'events.k8s.io': [17750],
  'authentication.k8s.io': [17700],
  'authorization.k8s.io': [17600],
  autoscaling: [17500, { v2: 30 }],
  batch: [17400],
  'certificates.k8s.io': [17300],
  'networking.k8s.io': [17200, { v1beta1: 9 }],
  policy: [17100],
  'rbac.authorization.k8s.io': [17000],
  'storage.k8s.io': [16800, { v1beta1: 9 }],
  'apiextensions.k8s.io': [16700],
  'admissionregistration.k8s.io': [16700, { v1beta1: 12, v1alpha1: 9 }],
  'scheduling.k8s.io': [16600],
  'coordination.k8s.io': [16500, { v1beta1: 13, v1alpha2: 12 }],
  'node.k8s.io': [16300],
  'discovery.k8s.io': [16200],
  'resource.k8s.io': [16200, { v1: 21, v1beta2: 15, v1beta1: 9, v1alpha3: 1 }],
  'flowcontrol.apiserver.k8s.io': [16100, { v1: 21 }],
  'internal.apiserver.k8s.io': [16000, { v1alpha1: 9 }],
};
const ofStable = 15;
const ofUnstable = 9;

/** The group whose objects these are: it is the aggregator's own and has none. */
const withoutService = new Set(['apiregistration.k8s.io']);

const serviceOf = (group: string, version: string, made: string, minimum: number, priority: number): APIService => ({
  kind: 'APIService',
  apiVersion: 'apiregistration.k8s.io/v1',
  metadata: { name: `${version}.${group}`, labels: { [automanaged]: made } },
  spec: { ...(group && { group }), version, groupPriorityMinimum: minimum, versionPriority: priority },
});

/** The APIService that stands for a built-in group version; undefined where there is none. */
export function builtinService(group: string, version: string): APIService | undefined {
  if (withoutService.has(group)) return undefined;
  const [minimum = 2000, versions] = priorities[group] ?? [];
  const priority = versions?.[version] ?? (/^v\d+$/.test(version) ? ofStable : ofUnstable);
  return serviceOf(group, version, 'onstart', minimum, priority);
}

/** The one for a version of a group that custom resource definitions define. */
export const customService = (group: string, version: string): APIService =>
  serviceOf(group, version, 'true', 1000, 100);
