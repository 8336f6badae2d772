import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import { nodeOf } from '../../authorization/node/node-identity.ts';
import type { AdmissionEnvironment } from '../contract.ts';
import { refuse } from '../refuse.ts';
import { restrictClaim } from './claims.ts';
import { restrictNode } from './nodes.ts';
import { restrictCsiNode, restrictLease, restrictSigningRequest, restrictSlice } from './own-objects.ts';
import { restrictPod } from './pods.ts';
import type { Restrict } from './restrict.ts';
import { restrictToken } from './tokens.ts';

const byResource: ReadonlyMap<string, Restrict> = new Map([
  ['/pods', restrictPod],
  ['/nodes', restrictNode],
  ['/persistentvolumeclaims', restrictClaim],
  ['/serviceaccounts', restrictToken],
  ['coordination.k8s.io/leases', restrictLease],
  ['storage.k8s.io/csinodes', restrictCsiNode],
  ['resource.k8s.io/resourceslices', restrictSlice],
  ['certificates.k8s.io/certificatesigningrequests', restrictSigningRequest],
]);

/** Subresources of pods that come by no mutating gate. */
const validatedOnly: ReadonlySet<string> = new Set(['eviction', 'binding']);

/**
 * Holds kubelets to their own Node and what belongs to it, whatever an authorizer lets them do
 * (kubernetes.io/docs/reference/access-authn-authz/admission-controllers, NodeRestriction). It changes nothing, but
 * stands among the gates that do, before an object is validated.
 */
export function nodeRestriction(environment: AdmissionEnvironment): AdmissionPlugin {
  const restrict = (attributes: AdmissionAttributes): void | Promise<void> => {
    const node = nodeOf(attributes.user);
    if (node === undefined) return;
    if (node === '')
      throw refuse(attributes, `could not determine node from user ${JSON.stringify(attributes.user.name)}`);
    return byResource.get(`${attributes.group}/${attributes.resource}`)?.(node, attributes, environment);
  };
  return {
    name: 'NodeRestriction',
    admit: (attributes) => restrict(attributes) as undefined | Promise<undefined>,
    validate(attributes) {
      const { operation, subresource = '' } = attributes;
      if (operation === 'DELETE' || validatedOnly.has(subresource)) return restrict(attributes);
    },
  };
}
