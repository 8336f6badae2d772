import { deepEqual, Node, type OwnerReference, Pod, StatusError } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
import { isMirrorPod, podReferences } from '../../authorization/node/pod-references.ts';
import { refuse } from '../refuse.ts';
import type { Restrict } from './restrict.ts';

const mirrorAnnotation = 'kubernetes.io/config.mirror';

/** The name as Kubernetes shows it: in quotes, with Go's escapes. */
const q = (text: string) => JSON.stringify(text);

/** A kubelet makes mirror pods of itself, and ends, evicts and reports what is bound to it. */
export const restrictPod: Restrict = (node, attributes, environment) => {
  switch (attributes.subresource ?? '') {
    case '':
      return restrictWhole(node, attributes, environment);
    case 'status':
      return restrictStatus(node, attributes);
    case 'eviction':
      return restrictEviction(node, attributes, environment);
    default:
      throw refuse(
        attributes,
        `unexpected pod subresource ${q(attributes.subresource ?? '')}, only 'status' and 'eviction' are allowed`,
      );
  }
};

const restrictWhole: Restrict = (node, attributes, environment) => {
  // The resource is pods: the registry has decoded it as one.
  const pod = attributes.object as Pod | undefined;
  const old = attributes.oldObject as Pod | undefined;
  switch (attributes.operation) {
    case 'CREATE':
      return restrictCreate(node, attributes, environment, pod);
    case 'DELETE':
      // One of a collection has no name to find the pod by: it is passed over, as what is gone already.
      if (attributes.name === '') throw StatusError.notFound({ group: '', resource: 'pod' }, '');
      if (old && old.spec.nodeName !== node) {
        throw refuse(attributes, `node ${q(node)} can only delete pods with spec.nodeName set to itself`);
      }
      return;
    default:
      throw refuse(
        attributes,
        `unexpected operation ${q(attributes.operation)}, node ${q(node)} can only create and delete mirror pods`,
      );
  }
};

async function restrictCreate(
  node: string,
  attributes: AdmissionAttributes,
  { reader }: Parameters<Restrict>[2],
  pod: Pod | undefined,
): Promise<void> {
  if (!pod) return;
  const fail = (why: string) => refuse(attributes, why);
  const only = `node ${q(node)} can only create`;
  if (!isMirrorPod(pod)) {
    throw fail(`pod does not have ${q(mirrorAnnotation)} annotation, ${only} mirror pods`);
  }
  if (pod.spec.nodeName !== node) throw fail(`${only} pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  if (owners.length > 1) throw fail(`${only} pods with a single owner reference set to itself`);
  const [owner] = owners;
  if (!owner || !isNode(owner, node)) throw fail(`${only} pods with an owner reference set to itself`);
  if (owner.controller !== true) throw fail(`${only} pods with a controller owner reference set to itself`);
  if (owner.blockOwnerDeletion === true) {
    throw fail(`node ${q(node)} must not set blockOwnerDeletion on an owner reference`);
  }
  const own = await reader.get(Node, node);
  if (!own) throw StatusError.notFound({ group: '', resource: 'node' }, node);
  if (owner.uid !== own.metadata.uid) {
    throw fail(`node ${node} UID mismatch: expected ${owner.uid} got ${own.metadata.uid}`);
  }
  const referred = whatIsReferred(pod);
  if (referred) throw fail(`node ${q(node)} can not create pods that reference ${referred}`);
}

const isNode = ({ apiVersion, kind, name }: OwnerReference, node: string) =>
  apiVersion === 'v1' && kind === 'Node' && name === node;

/** What nobody has checked who made the pod may not be read by way of it. */
function whatIsReferred(pod: Pod): string | undefined {
  const kinds = new Set(podReferences(pod).map(([kind]) => kind));
  const { volumes = [], resourceClaims = [] } = pod.spec;
  if (kinds.has('serviceaccounts')) return 'a service account';
  if (kinds.has('secrets')) return 'secrets';
  if (kinds.has('configmaps')) return 'configmaps';
  if (volumes.some(({ projected }) => projected?.sources?.some(({ clusterTrustBundle }) => clusterTrustBundle))) {
    return 'clustertrustbundles';
  }
  for (const { persistentVolumeClaim, ephemeral, csi } of volumes) {
    if (persistentVolumeClaim) return 'persistentvolumeclaims';
    if (ephemeral) return 'persistentvolumeclaims (via ephemeral volumes)';
    if (csi) return 'csidrivers (via CSI volumes)';
  }
  return resourceClaims.length > 0 ? 'resourceclaims' : undefined;
}

function restrictStatus(node: string, attributes: AdmissionAttributes): void {
  const { operation, object, oldObject } = attributes;
  if (operation !== 'UPDATE') throw refuse(attributes, `unexpected operation ${q(operation)}`);
  const fail = (why: string) => refuse(attributes, `node ${q(node)} ${why}`);
  // The resource is pods: the registry has decoded both as such.
  const [pod, old] = [object as Pod | undefined, oldObject as Pod | undefined];
  // A write of the status changes no spec: what it says of the node is not what will be stored.
  if (!pod || old?.spec.nodeName !== node) {
    throw fail('can only update pod status for pods with spec.nodeName set to itself');
  }
  if (!deepEqual(pod.metadata.labels ?? {}, old?.metadata.labels ?? {})) {
    throw fail('cannot update labels through pod status');
  }
  const { status: next } = pod;
  const last = old?.status;
  if (!deepEqual(next?.resourceClaimStatuses ?? [], last?.resourceClaimStatuses ?? [])) {
    throw fail('cannot update resource claim statues');
  }
  if (!deepEqual(next?.extendedResourceClaimStatus, last?.extendedResourceClaimStatus)) {
    throw fail('cannot update extended resource claim status');
  }
}

const restrictEviction = async (
  node: string,
  attributes: AdmissionAttributes,
  { reader }: Parameters<Restrict>[2],
): Promise<void> => {
  const { operation, name, namespace } = attributes;
  if (operation !== 'CREATE') throw refuse(attributes, `unexpected operation ${operation}`);
  const pod = await reader.get(Pod, name, namespace);
  if (!pod) throw StatusError.notFound({ group: '', resource: 'pod' }, name);
  if (pod.spec.nodeName === node) return;
  throw refuse(attributes, `node ${node} can only evict pods with spec.nodeName set to itself`);
};
