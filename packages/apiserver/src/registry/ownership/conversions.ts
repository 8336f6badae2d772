import type { KubernetesObject } from '@keelson/core';
import type { KindCatalog } from '../catalog.ts';
import { asJson, type Json } from '../draft.ts';
import type { Kind } from '../kind.ts';
import { type MergeType, mergeTypeOf } from './merge-type.ts';

/** One version of the kind that a request is about, as ownership needs it. */
export interface Version {
  readonly kind: Kind;
  readonly type: MergeType;
}

export interface Versions {
  /** The one that the request speaks. */
  readonly asked: Version;
  /** Undefined for one that is not served any more: who owned fields of it owns nothing. */
  find(apiVersion: string): Version | undefined;
}

export function versionsOf(catalog: KindCatalog, kind: Kind): Versions {
  const asked = { kind, type: mergeTypeOf(kind) };
  return {
    asked,
    find(apiVersion) {
      if (apiVersion === kind.apiVersion) return asked;
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
  const { object } = from.kind.decode(value as Readonly<Json>);
  return viewAs(to, object);
}
