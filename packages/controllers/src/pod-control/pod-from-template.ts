import {
  type KubernetesObject,
  type NewObject,
  type ObjectMeta,
  ownerReferenceTo,
  type Pod,
  type PodTemplateSpec,
  type ResourceType,
} from '@keelson/core';

const maxGenerateNameLength = 253 - 5;

/**
 * What `owner` asks the API for one pod of its template. The server draws the rest of the name.
 *
 * @param metadata replaces what the template says (`generateName`, more labels, finalizers)
 */
export function podFromTemplate(
  type: ResourceType,
  owner: KubernetesObject,
  template: PodTemplateSpec,
  metadata: Partial<ObjectMeta> = {},
): NewObject<Pod> {
  if (template.spec === undefined) throw new Error(`${type.kind} ${owner.metadata.name}: its pod template has no spec`);
  const from = template.metadata;
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`.slice(-maxGenerateNameLength),
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      ...(from?.labels && { labels: from.labels }),
      ...(from?.annotations && { annotations: from.annotations }),
      ...(from?.finalizers && { finalizers: from.finalizers }),
      ownerReferences: [ownerReferenceTo(owner, type)],
      ...metadata,
    },
    spec: template.spec,
  };
}
