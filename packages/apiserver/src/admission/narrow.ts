import type { KubernetesObject, ResourceType } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';

/** The object as its kind, where the request is about that kind itself and no subresource of it. */
export function objectAs<T extends KubernetesObject>(
  attributes: AdmissionAttributes,
  type: ResourceType<T>,
): T | undefined {
  const { group, resource, subresource, object } = attributes;
  if (group !== type.group || resource !== type.plural || subresource !== undefined) return undefined;
  // The registry has decoded it by the schema of this very kind.
  return object as T | undefined;
}
