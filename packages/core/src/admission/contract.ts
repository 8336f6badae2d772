import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { tokenList } from '../plugin/index.ts';

/** What is about to happen to one object, as an admission plugin sees it. Objects are shared: nobody may change one. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly group: string;
  readonly version: string;
  /** Plural resource name. */
  readonly resource: string;
  readonly kind: string;
  readonly subresource?: string;
  readonly namespace?: string;
  /** Empty on a create with `generateName`. */
  readonly name: string;
  /** The object as it would be stored; absent on DELETE. */
  readonly object?: KubernetesObject;
  /** What is stored now; absent on CREATE. */
  readonly oldObject?: KubernetesObject;
  readonly user: {
    readonly name: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  readonly dryRun: boolean;
  /** The request's options as they came: CreateOptions, UpdateOptions or DeleteOptions. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Sends a `Warning` header with the answer. */
  warn(text: string): void;
}

/**
 * A gate of every write (kubernetes.io/docs/reference/access-authn-authz/admission-controllers). All `admit` run in
 * order before validation of the object, all `validate` after it. Either refuses by throwing a `StatusError`.
 */
export interface AdmissionPlugin {
  readonly name: string;
  /** Of which resources, with all their subresources, it is asked at all. Default: of every one. */
  readonly resources?: readonly Pick<ResourceType<KubernetesObject>, 'group' | 'plural'>[];
  /** Returns a changed copy of `attributes.object`, or nothing to leave it. */
  admit?(
    attributes: AdmissionAttributes,
  ): KubernetesObject | undefined | void | Promise<KubernetesObject | undefined | void>;
  validate?(attributes: AdmissionAttributes): void | Promise<void>;
}

/** Further gates, after the built-in ones, in order of registration. */
export const AdmissionPlugins = tokenList<AdmissionPlugin>('AdmissionPlugins');
