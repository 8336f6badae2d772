import type { Matcher, PolicyBinding } from './contract.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from './mutating-kinds.ts';
import { type PolicyExpression, PolicyExpressions, type PolicyVariable } from './policy-expressions.ts';
import { matcherOf } from './policy-match.ts';

export interface PolicyMutation extends PolicyExpression {
  readonly type: 'ApplyConfiguration' | 'JSONPatch';
}

/** A MutatingAdmissionPolicy, compiled. */
export interface MutatingPolicy extends Matcher {
  readonly name: string;
  readonly paramKind: NonNullable<MutatingAdmissionPolicy['spec']>['paramKind'];
  readonly failsOpen: boolean;
  /** Whether it is asked again when somebody has changed the object after it. */
  readonly reinvocable: boolean;
  readonly conditions: readonly PolicyExpression[];
  readonly variables: readonly PolicyVariable[];
  readonly mutations: readonly PolicyMutation[];
}

/** Compiles what has passed validation; what cannot be compiled all the same fails when it is asked. */
export function compileMutatingPolicy({ metadata, spec }: MutatingAdmissionPolicy): MutatingPolicy {
  const { paramKind, matchConditions = [], mutations = [] } = spec ?? {};
  const expressions = new PolicyExpressions(spec?.variables, paramKind !== undefined);
  return {
    ...matcherOf(spec?.matchConstraints),
    name: metadata.name ?? '',
    paramKind,
    failsOpen: spec?.failurePolicy === 'Ignore',
    reinvocable: spec?.reinvocationPolicy === 'IfNeeded',
    conditions: matchConditions.map(({ expression = '' }) => expressions.condition(expression)),
    variables: expressions.variables,
    mutations: mutations.map((each) => compileMutation(each, expressions)),
  };
}

function compileMutation(
  { patchType, applyConfiguration, jsonPatch }: Mutation,
  expressions: PolicyExpressions,
): PolicyMutation {
  return patchType === 'JSONPatch'
    ? { type: patchType, ...expressions.jsonPatch(jsonPatch?.expression ?? '') }
    : { type: 'ApplyConfiguration', ...expressions.applyConfiguration(applyConfiguration?.expression ?? '') };
}

export function compileMutatingBinding({ metadata, spec }: MutatingAdmissionPolicyBinding): PolicyBinding {
  return { ...matcherOf(spec?.matchResources), name: metadata.name ?? '', paramRef: spec?.paramRef, actions: [] };
}
