import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { JsonObject } from '../machinery/index.ts';
import { tokenList } from '../plugin/index.ts';

/** One of the versions in which the object of a request is served: its own or, on a subresource, the subresource's. */
export interface ObjectForm {
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  /** Of the object as this form shows it; that of a subresource where it has a kind of its own, such as Scale. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  /** An object as plugins get it, in this version. */
  show(object: KubernetesObject): KubernetesObject | Promise<KubernetesObject>;
  /**
   * What was shown, changed by somebody, as plugins get it: decoded by its schema, with defaults; unknown fields are left
   * out, or with `strict` refused but for custom resources. Throws an `Error` in the words of Kubernetes' decoder.
   */
  read(shown: JsonObject, options?: { readonly strict?: boolean }): KubernetesObject | Promise<KubernetesObject>;
}

/**
 * The second round of mutating admission (kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers,
 * reinvocation policy): what a webhook or policy changes, all mutating plugins see once more.
 */
export interface Reinvocation {
  /** Whether this is the second round; there is no third. */
  readonly again: boolean;
  /** Asks for the second round. */
  request(): void;
  /** What a plugin keeps from the first round to the second, by its name. */
  readonly kept: Map<string, unknown>;
}

/** What is about to happen to one object, as an admission plugin sees it. Objects are shared: nobody may change one. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly group: string;
  readonly version: string;
  /** Plural resource name. */
  readonly resource: string;
  /** Of the object: where a subresource has a kind of its own (Scale, Binding, Eviction …) that one. */
  readonly kind: string;
  readonly subresource?: string;
  readonly namespace?: string;
  /** Empty on a create with `generateName`. */
  readonly name: string;
  /**
   * The object as it would be stored; absent on DELETE. On CONNECT the options of the connection, whose metadata is only
   * its name.
   */
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
  /** The versions in which the object is served, that of the request first. */
  readonly forms?: readonly ObjectForm[];
  /** In mutating admission only. */
  readonly reinvocation?: Reinvocation;
  /** Aborts when nobody waits for the answer any longer. */
  readonly signal?: AbortSignal;
  /** Sends a `Warning` header with the answer. */
  warn(text: string): void;
  /** Notes something with the request in the audit log; the key has the form `webhook-or-policy/key`. */
  annotate?(key: string, value: string): void;
}

/** What a plugin wants of a write that it lets through, and what it has to know of it. */
export interface WriteTerms {
  /** Entries of the API server's store that must be at these revisions at the moment of the write. */
  readonly fences?: readonly { readonly key: string; readonly revision: number }[];
  /** Asked where a fence has moved before the write: what holds instead of these terms, or a refusal by a `StatusError`. */
  renew?(): Promise<WriteTerms>;
  /**
   * Called once when the write is over, in the place of `renew` where that is called; the answer waits for it. `failed`:
   * nothing was written and nothing will be; `unknown`: the store could not tell.
   */
  ended?(outcome: 'written' | 'failed' | 'unknown'): Promise<void>;
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
  /** May return what it wants of the write, for CREATE and UPDATE of objects that are stored. */
  validate?(attributes: AdmissionAttributes): WriteTerms | undefined | void | Promise<WriteTerms | undefined | void>;
}

/** Further gates, after the built-in ones, in order of registration. */
export const AdmissionPlugins = tokenList<AdmissionPlugin>('AdmissionPlugins');
