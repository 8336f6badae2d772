import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { apiVersionOf } from '../api/index.ts';
import { keyOf, messageOf } from '../machinery/index.ts';

/** What an informer keeps of each object. */
export interface KeptPart<T extends KubernetesObject> {
  readonly metadataOnly: boolean;
  readonly managedFields: boolean;
  transform?(object: T): T;
}

/** Makes the object that is kept from the one that came, which stays as it is; `undefined` where that is the same. */
export function keeper<T extends KubernetesObject>(
  type: ResourceType<T>,
  { metadataOnly, managedFields, transform }: KeptPart<T>,
): ((object: T) => T) | undefined {
  const steps: ((object: T) => T)[] = [];
  if (metadataOnly) {
    const apiVersion = apiVersionOf(type);
    // Who asks for metadata only asks for the type that all kinds share.
    steps.push(({ metadata }) => ({ apiVersion, kind: type.kind, metadata }) as KubernetesObject as T);
  }
  if (!managedFields) steps.push(withoutManagedFields);
  if (transform) steps.push((object) => transformed(type, transform, object));
  const [first, ...more] = steps;
  if (!first) return undefined;
  return more.length === 0 ? first : (object) => more.reduce((kept, step) => step(kept), first(object));
}

function transformed<T extends KubernetesObject>(type: ResourceType<T>, transform: (object: T) => T, object: T): T {
  try {
    return transform(object);
  } catch (error) {
    throw new Error(`the transform of ${type.plural} failed on ${keyOf(object)}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
