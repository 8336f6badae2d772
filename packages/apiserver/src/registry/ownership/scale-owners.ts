import type { Versions } from './conversions.ts';
import { differenceOf, type FieldSet, fieldSetOf, hasField } from './field-set.ts';
import { identityOf, type Manager, type Managers, withFields } from './managers.ts';

const scaleVersion = 'autoscaling/v1';
const replicasOfScale: FieldSet = fieldSetOf(['f:spec', 'f:replicas']);

/**
 * Where the replicas stand in a version: `unknown` if there is no such version, undefined if it has no scale.
 * Entries of unknown versions go with the first write through the scale.
 */
function replicasIn(versions: Versions, apiVersion: string): readonly string[] | 'unknown' | undefined {
  const version = versions.find(apiVersion);
  if (!version) return 'unknown';
  return version.kind.scale?.specReplicas.map((each) => `f:${each}`);
}

/** The owners of the replicas, as owners of the Scale that is made of the object. */
export function toScaleOwners(versions: Versions, owners: Managers): Managers {
  const result = new Map<string, Manager>();
  for (const manager of owners.values()) {
    const path = replicasIn(versions, manager.apiVersion);
    if (path === undefined || path === 'unknown' || !hasField(manager.fields, path)) continue;
    const owner = { ...manager, apiVersion: scaleVersion, fields: replicasOfScale, entry: undefined };
    result.set(identityOf(owner), owner);
  }
  return result;
}

/**
 * The object's owners after a write through its scale. An owner that comes from there has no time, as in Kubernetes:
 * it looks for it under the name that the entry had in the Scale.
 */
export function fromScaleOwners(versions: Versions, owners: Managers, ofScale: Managers): Map<string, Manager> {
  const result = new Map<string, Manager>();
  const coming = new Map(ofScale);
  for (const [identity, manager] of owners) {
    const path = replicasIn(versions, manager.apiVersion);
    if (path === 'unknown') continue;
    if (path === undefined || !hasField(manager.fields, path)) result.set(identity, manager);
    else if (coming.delete(identity)) result.set(identity, manager);
    else {
      const fields = differenceOf(manager.fields, fieldSetOf(path));
      if (fields.size > 0) result.set(identity, withFields(manager, fields));
    }
  }
  const { kind } = versions.asked;
  const path = replicasIn(versions, kind.apiVersion);
  if (path === undefined || path === 'unknown') return result;
  for (const [identity, manager] of coming) {
    if (!hasField(manager.fields, ['f:spec', 'f:replicas'])) continue;
    result.set(identity, {
      ...manager,
      apiVersion: kind.apiVersion,
      time: owners.get(identity)?.time,
      fields: fieldSetOf(path),
      entry: undefined,
    });
  }
  return result;
}
