import { ResourceQuota } from '@keelson/core';
import { type AdmissionPlugin, evaluatorFor } from '@keelson/core/admission';
import type { AdmissionEnvironment } from '../contract.ts';

/** Kinds that are not stored or come and go by themselves. */
const uncounted = new Set([
  '/bindings',
  '/componentstatuses',
  '/events',
  'events.k8s.io/events',
  'authentication.k8s.io/tokenreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
]);

/**
 * Charges what is about to be written to the quotas of its namespace, and refuses what they have no room for. The quota's
 * status is written before the object, and the object only as long as that charge stands.
 */
export function resourceQuota({ reader, quotas }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    async validate(attributes) {
      const { namespace, group, resource, operation, subresource, object, oldObject } = attributes;
      if (namespace === undefined || object === undefined || uncounted.has(`${group}/${resource}`)) return undefined;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
      if (group === '' && resource === 'namespaces') return undefined;
      const evaluator = evaluatorFor(group, resource);
      if (!evaluator.handles(operation, subresource, object, oldObject)) return undefined;
      if ((await reader.list(ResourceQuota, namespace)).length === 0) return undefined;
      return quotas.ledgerOf(namespace).charge({ attributes, evaluator, object });
    },
  };
}
