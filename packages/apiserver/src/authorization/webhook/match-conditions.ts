import {
  boolType,
  CelEnvironment,
  type CelType,
  fieldsOf,
  jsonValue,
  listType,
  mapType,
  objectType,
  standardLibrary,
  stringType,
} from '../../cel/index.ts';
import { kubernetesLibraries } from '../../cel/library/index.ts';
import { together } from '../authorizer-chain.ts';
import { type AccessQuestion, conditionVariable } from './subject-access-review.ts';

/** What one evaluation may cost, as by Kubernetes (`PerCallLimit`). */
const costLimit = 1_000_000;

const strings = listType(stringType);
const record = (name: string, fields: Readonly<Record<string, CelType>>) =>
  objectType(`kubernetes.${name}`, fieldsOf(fields));
const selector = (name: string) =>
  record(`${name}SelectorAttributes`, {
    rawSelector: stringType,
    requirements: listType(
      record(`${name}SelectorRequirement`, { key: stringType, operator: stringType, values: strings }),
    ),
  });

const requestType = record('SubjectAccessReviewSpec', {
  resourceAttributes: record('ResourceAttributes', {
    namespace: stringType,
    verb: stringType,
    group: stringType,
    version: stringType,
    resource: stringType,
    subresource: stringType,
    name: stringType,
    fieldSelector: selector('Field'),
    labelSelector: selector('Label'),
  }),
  nonResourceAttributes: record('NonResourceAttributes', { path: stringType, verb: stringType }),
  user: stringType,
  groups: strings,
  extra: mapType(stringType, strings),
  uid: stringType,
});

const environment = new CelEnvironment({
  libraries: [standardLibrary, ...kubernetesLibraries()],
  variables: { request: requestType },
  cacheSize: 0,
});

/** What is wrong with an expression, in Kubernetes' words; `undefined`: nothing. */
export function conditionProblem(expression: string): string | undefined {
  const compiled = environment.compile(expression);
  if (compiled.failure) return `compilation failed: ${compiled.message}`;
  return compiled.type === boolType ? undefined : `must evaluate to bool but got ${compiled.type}`;
}

/** Whether a webhook is asked at all: `error` tells that it cannot be said. */
export type ConditionOutcome = boolean | { readonly error: string };

/** All of them have to hold; one that does not excludes a request even where others fail. */
export class AccessConditions {
  readonly #conditions;

  /** Throws for an expression that does not compile. */
  constructor(expressions: readonly string[]) {
    this.#conditions = expressions.map((expression) => {
      const compiled = environment.compile(expression);
      if (compiled.failure) throw new Error(`compilation failed: ${compiled.message}`);
      return { expression, program: compiled.program };
    });
  }

  match(question: AccessQuestion): ConditionOutcome {
    if (this.#conditions.length === 0) return true;
    const request = jsonValue(conditionVariable(question));
    const errors: string[] = [];
    for (const { expression, program } of this.#conditions) {
      const result = program.evaluate({ request }, { costLimit });
      if (result.error !== undefined) {
        errors.push(`cel evaluation error: expression '${expression}' resulted in error: ${result.error}`);
      } else if (result.value === false) return false;
    }
    return errors.length === 0 ? true : { error: together(errors) };
  }
}
