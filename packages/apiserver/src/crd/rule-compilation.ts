import type { JSONSchemaProps } from '@keelson/core';
import {
  boolType,
  CelEnvironment,
  type CelExpression,
  declareSchema,
  kubernetesLibraries,
  optionalType,
  type SchemaDeclaration,
  sizesOf,
  standardLibrary,
  stringType,
} from '../cel/index.ts';

export type ValidationRule = NonNullable<JSONSchemaProps['x-kubernetes-validations']>[number];

/** Most that one evaluation may cost, in CEL's units. */
export const callCostLimit = 1_000_000;

/** One of `x-kubernetes-validations`, compiled; without `expression` where that cannot be done. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  readonly expression?: CelExpression;
  /** What is wrong with the rule, in the words of Kubernetes. */
  readonly failure?: string;
  /** It compares with what was: a transition rule. */
  readonly usesOldSelf: boolean;
  readonly message?: CelExpression;
  readonly messageFailure?: string;
}

export interface CompiledRules {
  readonly declaration: SchemaDeclaration;
  readonly rules: readonly CompiledRule[];
}

const libraries = [standardLibrary, ...kubernetesLibraries()];

const known = new WeakMap<JSONSchemaProps, { readonly root: boolean; readonly compiled: CompiledRules | undefined }>();

/**
 * The rules of one place in a structural schema, compiled once. Undefined where CEL has no type for the place. `isRoot`:
 * of a whole object.
 */
export function compileRules(schema: JSONSchemaProps, isRoot: boolean): CompiledRules | undefined {
  const found = known.get(schema);
  if (found?.root === isRoot) return found.compiled;
  const compiled = compileAll(schema, isRoot);
  known.set(schema, { root: isRoot, compiled });
  return compiled;
}

function compileAll(schema: JSONSchemaProps, isRoot: boolean): CompiledRules | undefined {
  const declaration = declareSchema(schema, 'selfType', isRoot || schema['x-kubernetes-embedded-resource'] === true);
  if (!declaration) return undefined;
  const { type } = declaration;
  const environment = (oldSelf: typeof type) =>
    new CelEnvironment({
      libraries,
      variables: { self: type, oldSelf },
      sizeByPath: sizesOf(declaration),
      cacheSize: 0,
    });
  const rules = schema['x-kubernetes-validations'] ?? [];
  const usual = rules.some((each) => !each.optionalOldSelf) ? environment(type) : undefined;
  const optional = rules.some((each) => each.optionalOldSelf) ? environment(optionalType(type)) : undefined;
  return {
    declaration,
    rules: rules.map((rule) => {
      const chosen = rule.optionalOldSelf ? optional : usual;
      return chosen ? compileRule(rule, chosen) : { rule, usesOldSelf: false };
    }),
  };
}

function compileRule(rule: ValidationRule, environment: CelEnvironment): CompiledRule {
  if ((rule.rule ?? '').trim() === '') return { rule, usesOldSelf: false };
  const expression = environment.compile(rule.rule, { wantedType: boolType });
  if (expression.failure) {
    const { failure, message } = expression;
    const why = {
      compilation: `compilation failed: ${message}`,
      type: 'cel expression must evaluate to a bool',
      program: `program instantiation failed: ${message}`,
    };
    return { rule, usesOldSelf: false, failure: why[failure] };
  }
  const usesOldSelf = expression.uses('oldSelf');
  if (!rule.messageExpression) return { rule, expression, usesOldSelf };
  const message = environment.compile(rule.messageExpression, { wantedType: stringType });
  if (!message.failure) return { rule, expression, usesOldSelf, message };
  const why = {
    compilation: `messageExpression compilation failed: ${message.message}`,
    type: 'messageExpression must evaluate to a string',
    program: `messageExpression instantiation failed: ${message.message}`,
  };
  return { rule, expression, usesOldSelf, messageFailure: why[message.failure] };
}
