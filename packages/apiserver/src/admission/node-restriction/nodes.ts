import { deepEqual, type Node } from '@keelson/core';
import { refuse } from '../refuse.ts';
import { forbiddenLabels } from './node-labels.ts';
import type { Restrict } from './restrict.ts';

/** A kubelet writes its own Node, but not what others judge it by: taints, owners, and labels that are not a kubelet's. */
export const restrictNode: Restrict = (node, attributes) => {
  const { operation, name, object, oldObject } = attributes;
  const own = `node ${JSON.stringify(node)} is not allowed to`;
  if (name !== node) throw refuse(attributes, `${own} modify node ${JSON.stringify(name)}`);
  // The resource is nodes: the registry has decoded both as such.
  const [next, old] = [object as Node | undefined, oldObject as Node | undefined];
  if (operation === 'CREATE' && next) {
    if (next.spec?.configSource) throw refuse(attributes, `${own} create pods with a non-nil configSource`);
    const labels = forbiddenLabels(next.metadata.labels, undefined);
    if (labels.length > 0) throw refuse(attributes, `${own} set the following labels: ${labels.join(', ')}`);
  }
  if (operation === 'UPDATE' && next) {
    if (next.spec?.configSource && !deepEqual(next.spec.configSource, old?.spec?.configSource)) {
      throw refuse(attributes, `${own} update configSource to a new non-nil configSource`);
    }
    if (!deepEqual(next.spec?.taints ?? [], old?.spec?.taints ?? [])) throw refuse(attributes, `${own} modify taints`);
    const labels = forbiddenLabels(next.metadata.labels, old?.metadata.labels);
    if (labels.length > 0) throw refuse(attributes, `is not allowed to modify labels: ${labels.join(', ')}`);
    if (!deepEqual(next.metadata.ownerReferences ?? [], old?.metadata.ownerReferences ?? [])) {
      throw refuse(attributes, `${own} modify ownerReferences`);
    }
  }
};
