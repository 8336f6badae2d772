import { Namespace, StatusError } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { refuse } from './refuse.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);
const accessReviews = new Set(['localsubjectaccessreviews']);

/** Nothing is made in a namespace that is not there or on its way out, and the system's own namespaces stay. */
export function namespaceLifecycle({ reader }: AdmissionEnvironment): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    async admit(attributes) {
      const { operation, resource, namespace } = attributes;
      if (operation !== 'CREATE' || namespace === undefined || accessReviews.has(resource)) return;
      const found = await reader.get(Namespace, namespace);
      if (!found) throw StatusError.notFound({ group: '', resource: 'namespaces' }, namespace);
      if (found.metadata.deletionTimestamp === undefined) return;
      const message = `unable to create new content in namespace ${namespace} because it is being terminated`;
      const refused = refuse(attributes, message);
      throw new StatusError({
        ...refused.status,
        details: {
          ...refused.status.details,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${namespace} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      });
    },
    validate({ operation, group, resource, name }) {
      if (operation !== 'DELETE' || group !== '' || resource !== 'namespaces' || !immortal.has(name)) return;
      throw StatusError.forbidden({ group, resource }, name, 'this namespace may not be deleted');
    },
  };
}
