import type { KubernetesObject, LabelSelector, NamedRuleWithOperations, ParamKind, ParamRef } from '@keelson/core';
import type { Ruled } from '../rule-set.ts';
import type { PolicyExpression, PolicyVariable } from './policy-expressions.ts';

/** Which requests a policy or a binding means, with what can be known before the first one. */
export interface Matcher extends Ruled {
  readonly rules: readonly NamedRuleWithOperations[];
  readonly excluded: readonly NamedRuleWithOperations[];
  /** Undefined where every namespace is meant. */
  readonly namespaceSelector: LabelSelector | undefined;
  readonly objectSelector: LabelSelector | undefined;
}

export interface PolicyValidation extends PolicyExpression {
  readonly message: string | undefined;
  readonly messageExpression: PolicyExpression | undefined;
  readonly reason: string | undefined;
}

export interface PolicyAnnotation extends PolicyExpression {
  readonly key: string;
}

/** A ValidatingAdmissionPolicy, compiled. */
export interface ValidatingPolicy extends Matcher {
  readonly name: string;
  readonly paramKind: ParamKind | undefined;
  readonly failsOpen: boolean;
  readonly conditions: readonly PolicyExpression[];
  readonly variables: readonly PolicyVariable[];
  readonly validations: readonly PolicyValidation[];
  readonly annotations: readonly PolicyAnnotation[];
}

export interface PolicyBinding extends Matcher {
  readonly name: string;
  readonly paramRef: ParamRef | undefined;
  readonly actions: readonly string[];
}

/** A policy with what binds it. */
export interface BoundPolicy<Policy> extends Ruled {
  readonly policy: Policy;
  readonly bindings: readonly PolicyBinding[];
}

/** Objects of the kind that a policy takes its parameters from, in the version that it names. */
export interface ParamObjects {
  readonly namespaced: boolean;
  get(name: string, namespace: string | undefined): Promise<KubernetesObject | undefined>;
  list(namespace: string | undefined): Promise<readonly KubernetesObject[]>;
}

/** Finds a kind by its `apiVersion` and `kind`; undefined where it is not served. */
export type FindParams = (kind: ParamKind) => ParamObjects | undefined;
