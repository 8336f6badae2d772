import type { KubernetesObject, ResourceName } from '@keelson/core';
import type { EncodedObject, ServedResource } from './contract.ts';
import type { ObjectDraft } from './draft.ts';
import type { FieldLabels } from './field-labels.ts';
import type { StoredObject } from './stored-object.ts';
import type { FieldErrors, Strategy } from './strategy.ts';

export interface DecodeResult {
  readonly object: ObjectDraft;
  /** `unknown field "spec.foo"`: an error or a warning, as the request wishes. */
  readonly unknown: readonly string[];
}

/** Where the replicas of a kind stand, for its scale subresource; paths without a leading dot. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** A label selector as text or as an object. */
  readonly selector?: readonly string[];
}

/**
 * What stands between one version of a kind and the store, where objects are not simply read as they are stored: they may
 * be stored in another version, which a webhook may have to be asked for, and by an older schema. Whatever fails rejects
 * with a `StatusError` in the words of Kubernetes.
 */
export interface StoredVersions {
  /** What it was made from, the same for all versions: where that is another one, watches end, and begin anew. */
  readonly definition: object;
  /** Any version of it, served or not. */
  version(apiVersion: string): Kind | undefined;
  /** Stored objects as this version has them; each is converted once. */
  read(objects: readonly StoredObject[]): readonly StoredObject[] | Promise<readonly StoredObject[]>;
  /** An object of this version as it is to be stored. */
  write(object: ObjectDraft): ObjectDraft | Promise<ObjectDraft>;
  /** An object of this version as it would be read after it had been stored. */
  reread(object: ObjectDraft): KubernetesObject | Promise<KubernetesObject>;
  /** An object of this version in another one, without what that has no place for; `whole`: with all of it. */
  convert(
    object: KubernetesObject,
    to: Kind,
    options?: { readonly whole?: boolean },
  ): KubernetesObject | Promise<KubernetesObject>;
}

/** All that the registry knows of one served version of one kind, built in or from a CRD. */
export interface Kind {
  readonly served: ServedResource;
  /** Of this version: `apps/v1`. */
  readonly apiVersion: string;
  /** For error messages: the group and plural. */
  readonly names: ResourceName;
  /** For `Invalid`: the group and kind. */
  readonly kindName: ResourceName;
  /** Keys of its objects begin with it: `/registry/deployments/`. One for all versions of a kind. */
  readonly prefix: string;
  readonly strategy: Strategy;
  readonly hasStatus: boolean;
  readonly scale?: ScalePaths;
  readonly fields: FieldLabels;
  /**
   * Checks a body against the schema and copies it. Throws `DecodeError`. The result is in the stored version, where the
   * kind says nothing of its own about that.
   */
  /**
   * `keepNulls`: nulls that stand for nothing in a custom resource are left to validation. `unkeyed`: places of unknown
   * fields leave out the keys of maps. `version`: of the body, where it is another one of the same object.
   */
  decode(
    body: Readonly<Record<string, unknown>>,
    options?: {
      readonly keepNulls?: boolean;
      readonly unkeyed?: boolean;
      readonly version?: { readonly group: string; readonly version: string };
    },
  ): DecodeResult;
  /**
   * Checks that the strategy does not make: those of a CRD's schema. `warn`: what is wrong, and was so before.
   * `part`: what an update may change.
   */
  validateSchema?(
    object: KubernetesObject,
    errors: FieldErrors,
    old?: KubernetesObject,
    warn?: (text: string) => void,
    part?: 'main' | 'status',
  ): void;
  /** Of kinds whose objects are decoded to their own version, and converted on the way to the store and back. */
  readonly stored?: StoredVersions;
  /** Of a built-in kind, the name of the definition of its stored version. */
  readonly storedDefinition?: string;
  /** From the stored version to this one. */
  serve(stored: StoredObject): EncodedObject;
  /** From the stored version to this one, for an object that is not stored (yet). */
  view(object: KubernetesObject): KubernetesObject;
}

/** A key as messages show it: of what was only tried, without the root of all keys. */
export const shownKey = ({ dryRun }: { readonly dryRun: boolean }, key: string): string =>
  dryRun ? key.replace(/^\/registry/, '') : key;

export function keyIn(kind: Pick<Kind, 'prefix' | 'served'>, namespace: string | undefined, name: string): string {
  return kind.served.namespaced ? `${kind.prefix}${namespace}/${name}` : kind.prefix + name;
}

export { customPrefixFor, prefixFor } from './storage-keys.ts';
