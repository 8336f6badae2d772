import type { KubernetesObject, MatchResources, ParamKind, ParamRef, ResourceType, Variable } from '@keelson/core';

export interface Mutation {
  readonly patchType?: string;
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

/** admissionregistration.k8s.io/v1beta1 and v1alpha1, which are the same (KEP-3962). */
export interface MutatingAdmissionPolicy extends KubernetesObject {
  readonly spec?: {
    readonly paramKind?: ParamKind;
    readonly matchConstraints?: MatchResources;
    readonly variables?: readonly Variable[];
    readonly mutations?: readonly Mutation[];
    readonly failurePolicy?: string;
    readonly matchConditions?: readonly { readonly name?: string; readonly expression?: string }[];
    readonly reinvocationPolicy?: string;
  };
}

export interface MutatingAdmissionPolicyBinding extends KubernetesObject {
  readonly spec?: {
    readonly policyName?: string;
    readonly paramRef?: ParamRef;
    readonly matchResources?: MatchResources;
  };
}

const group = 'admissionregistration.k8s.io';

export const MutatingAdmissionPolicy: ResourceType<MutatingAdmissionPolicy> = {
  group,
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  namespaced: false,
};

export const MutatingAdmissionPolicyBinding: ResourceType<MutatingAdmissionPolicyBinding> = {
  group,
  version: 'v1beta1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  namespaced: false,
};
