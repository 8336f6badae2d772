import type { ServedResource } from '../registry/contract.ts';

/** Since and until which release a version is served, and what to use instead; by group, version and resource. */
const deprecated: Readonly<Record<string, readonly [since: string, until?: string, instead?: string]>> = {
  '/v1/componentstatuses': ['v1.19'],
  '/v1/endpoints': ['v1.33', undefined, 'discovery.k8s.io/v1 EndpointSlice'],
  'networking.k8s.io/v1beta1/ipaddresses': ['v1.34', 'v1.37'],
  'networking.k8s.io/v1beta1/servicecidrs': ['v1.34', 'v1.37'],
  'storage.k8s.io/v1beta1/volumeattributesclasses': ['v1.34', 'v1.37', 'storage.k8s.io/v1 VolumeAttributesClass'],
  'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicies': ['v1.35', 'v1.38'],
  'admissionregistration.k8s.io/v1alpha1/mutatingadmissionpolicybindings': ['v1.35', 'v1.38'],
  'coordination.k8s.io/v1alpha2/leasecandidates': ['v1.35', 'v1.38'],
  'resource.k8s.io/v1beta1/deviceclasses': ['v1.35', 'v1.38'],
  'resource.k8s.io/v1beta1/resourceclaims': ['v1.35', 'v1.38'],
  'resource.k8s.io/v1beta1/resourceclaimtemplates': ['v1.35', 'v1.38'],
  'resource.k8s.io/v1beta1/resourceslices': ['v1.35', 'v1.38'],
};

/** The warning that goes with every answer about a version that will not stay, as of v1.35. */
export function deprecationOf({
  group,
  version,
  resource,
  kind,
  custom,
  deprecation,
}: ServedResource): string | undefined {
  if (custom) return deprecation;
  const found = deprecated[`${group}/${version}/${resource}`];
  if (!found) return undefined;
  const [since, until, instead] = found;
  const what = `${group === '' ? version : `${group}/${version}`} ${kind} is deprecated in ${since}+`;
  return `${what}${until ? `, unavailable in ${until}+` : ''}${instead ? `; use ${instead}` : ''}`;
}
