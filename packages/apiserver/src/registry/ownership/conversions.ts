import type { KubernetesObject } from '@keelson/core';
import type { KindCatalog } from '../catalog.ts';
import { asJson, isObject, type Json } from '../draft.ts';
import type { Kind, StoredVersions } from '../kind.ts';
import { type MergeType, mergeTypeOf } from './merge-type.ts';
import { findingsText, validateValue } from './validate-value.ts';

/** One version of the kind that a request is about, as ownership needs it. */
export interface Version {
  readonly kind: Kind;
  readonly type: MergeType;
}

export interface Versions {
  /** The one that the request speaks. */
  readonly asked: Version;
  /**
   * Undefined for one that is not served any more: who owned fields of it owns nothing. Types of one's own know all
   * versions that they define, served or not.
   */
  find(apiVersion: string): Version | undefined;
}

export function versionsOf(catalog: KindCatalog, kind: Kind): Versions {
  const asked = { kind, type: mergeTypeOf(kind) };
  return {
    asked,
    find(apiVersion) {
      if (apiVersion === kind.apiVersion) return asked;
      if (kind.stored) {
        const defined = kind.stored.version(apiVersion);
        return defined && { kind: defined, type: mergeTypeOf(defined) };
      }
      const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
      // What is written through another group is nobody's in this one, though the objects are the same.
      if (group !== kind.served.group) return undefined;
      const other = catalog.kind(group, version ?? '', kind.served.resource);
      return other?.prefix === kind.prefix ? { kind: other, type: mergeTypeOf(other) } : undefined;
    },
  };
}

/** An object of the stored version as another version shows it. */
export const viewAs = (version: Version, stored: KubernetesObject): Readonly<Json> => asJson(version.kind.view(stored));

/** From one version to another, by way of the stored one. */
export function convertValue(from: Version, to: Version, value: unknown): unknown {
  if (from.kind === to.kind) return value;
  if (from.kind.stored) return isObject(value) ? convertCustom(from.kind.stored, to, value) : value;
  const { object } = from.kind.decode(value as Readonly<Json>);
  return viewAs(to, object);
}

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A conversion that a webhook is being asked for. */
class PendingConversion {
  readonly settled: Promise<void>;

  constructor(settled: Promise<void>) {
    this.settled = settled;
  }
}

/** What was converted so far for the work that runs now. */
let outcomes: Map<string, Outcome> | undefined;

/** Why an object of another version has no owners in this one. */
export class UntypedValue extends Error {
  override readonly name = 'UntypedValue';
}

/** What the other version does not specify is not left out, as it would be when it is read: it cannot be owned at all. */
function convertCustom(stored: StoredVersions, to: Version, value: Json): unknown {
  const converted = convertWhole(stored, to.kind, value);
  const findings = validateValue(to.type, converted, '', true);
  if (findings.length > 0) throw new UntypedValue(findingsText(findings));
  return converted;
}

function convertWhole(stored: StoredVersions, to: Kind, value: Json): unknown {
  const key = `${to.apiVersion} ${JSON.stringify(value)}`;
  const known = outcomes?.get(key);
  if (known) {
    if ('error' in known) throw known.error;
    return known.value;
  }
  // What is converted is an object of the kind, whole or in part.
  const converted = stored.convert(value as Json & KubernetesObject, to, { whole: true });
  if (!(converted instanceof Promise)) return converted;
  const own = outcomes;
  if (!own) throw new Error('ownership must not begin what it cannot wait for');
  const settled = converted.then(
    (result) => void own.set(key, { value: result }),
    (error: unknown) => void own.set(key, { error }),
  );
  throw new PendingConversion(settled);
}

/**
 * Ownership is worked out in one go. Where that needs a conversion that has to be waited for, it stops, and begins anew
 * when that is there; `work` must not have changed anything by then.
 */
export async function withConversions<T>(work: () => T): Promise<T> {
  const own = new Map<string, Outcome>();
  for (;;) {
    const before = outcomes;
    outcomes = own;
    let pending: PendingConversion;
    try {
      return work();
    } catch (error) {
      if (!(error instanceof PendingConversion)) throw error;
      pending = error;
    } finally {
      outcomes = before;
    }
    await pending.settled;
  }
}
