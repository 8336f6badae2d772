import type { Variable } from '@keelson/core';
import {
  admissionVariables,
  boolType,
  type CelCompilation,
  CelEnvironment,
  type CelEnvironmentOptions,
  CelError,
  type CelFailure,
  CelObject,
  type CelType,
  type CelValue,
  dynType,
  fieldsOf,
  jsonPatchLibrary,
  jsonPatchType,
  kubernetesLibraries,
  listType,
  mutationStruct,
  nullType,
  objectPatchType,
  standardLibrary,
  stringType,
  variablesType,
  variableType,
} from '../../cel/index.ts';

const libraries = [standardLibrary, ...kubernetesLibraries()];
const mutating = [...libraries, jsonPatchLibrary];
const { authorizer, 'authorizer.requestResource': requestResource, ...withoutAuthorizer } = admissionVariables;
const asking = { authorizer, 'authorizer.requestResource': requestResource };
const params = { params: dynType };

/** Where match conditions are compiled, which know nothing of variables. */
const conditions = {
  plain: new CelEnvironment({ libraries, variables: { ...withoutAuthorizer, ...asking } }),
  withParams: new CelEnvironment({ libraries, variables: { ...withoutAuthorizer, ...asking, ...params } }),
};

/** An expression of a policy and what became of it. */
export interface PolicyExpression {
  readonly text: string;
  readonly compiled: CelCompilation;
}

export interface PolicyVariable extends PolicyExpression {
  readonly name: string;
}

/** What an expression has to give. */
export const wanted = {
  condition: [boolType],
  validation: [boolType],
  message: [stringType],
  annotation: [stringType, nullType],
  applyConfiguration: [objectPatchType],
  jsonPatch: [listType(jsonPatchType)],
} as const;

/** What a policy's expressions look at, where that is known. */
export interface PolicyTypes {
  readonly object: CelType;
  readonly params?: CelType | undefined;
}

/**
 * Compiles the expressions of one policy: each variable knows those before it, and all other expressions know all
 * variables but match conditions. Messages may not ask the authorizer (KEP-3488).
 */
export class PolicyExpressions {
  readonly variables: readonly PolicyVariable[];
  readonly #withParams: boolean;
  readonly #types: PolicyTypes | undefined;
  readonly #known: ReadonlyMap<string, CelType> | undefined;
  readonly #main: CelEnvironment;
  readonly #messages: CelEnvironment;
  #mutations: CelEnvironment | undefined;

  /** @param types for one of the kinds that the policy means; without them objects and parameters are of any type */
  constructor(variables: readonly Variable[] | undefined, withParams: boolean, types?: PolicyTypes) {
    this.#withParams = withParams;
    this.#types = types;
    // Where Kubernetes checks types, it has no name for what a request asks for.
    const askable: Readonly<Record<string, CelType>> = types ? { authorizer } : asking;
    const fields = new Map<string, CelType>();
    this.variables = (variables ?? []).map(({ name, expression }) => {
      const compiled = this.#environment(fields, askable).compile(expression);
      fields.set(name, compiled.failure === undefined ? variableType(compiled.type) : dynType);
      return { name, text: expression, compiled };
    });
    // Where a policy has no variables, there is no `variables`.
    this.#known = this.variables.length > 0 ? fields : undefined;
    this.#main = this.#environment(this.#known, askable);
    this.#messages = this.#environment(this.#known, {});
  }

  condition = (text: string): PolicyExpression => ({
    text,
    compiled: conditions[this.#withParams ? 'withParams' : 'plain'].compile(text, { wantedType: boolType }),
  });

  validation = (text: string): PolicyExpression => ({
    text,
    compiled: this.#main.compile(text, { wantedType: boolType }),
  });

  message = (text: string): PolicyExpression => ({
    text,
    compiled: this.#messages.compile(text, { wantedType: stringType }),
  });

  /** A text, or null for none. */
  annotation = (text: string): PolicyExpression => {
    const asNull = this.#main.compile(text, { wantedType: nullType });
    if (asNull.failure !== 'type') return { text, compiled: asNull };
    const compiled = this.#main.compile(text, { wantedType: stringType });
    if (compiled.failure !== 'type') return { text, compiled };
    return { text, compiled: { failure: 'type', message: asNull.message } };
  };

  /** Gives `Object{…}`. */
  applyConfiguration = (text: string): PolicyExpression => ({
    text,
    compiled: this.#mutating.compile(text, { wantedType: wanted.applyConfiguration[0] }),
  });

  /** Gives `[JSONPatch{…}, …]`. */
  jsonPatch = (text: string): PolicyExpression => ({
    text,
    compiled: this.#mutating.compile(text, { wantedType: wanted.jsonPatch[0] }),
  });

  get #mutating(): CelEnvironment {
    this.#mutations ??= this.#environment(this.#known, asking, { libraries: mutating, resolveStruct: mutationStruct });
    return this.#mutations;
  }

  #environment(
    fields: ReadonlyMap<string, CelType> | undefined,
    more: Readonly<Record<string, CelType>>,
    types: Pick<CelEnvironmentOptions, 'libraries' | 'resolveStruct'> = { libraries },
  ): CelEnvironment {
    return new CelEnvironment({
      ...types,
      variables: {
        ...withoutAuthorizer,
        ...more,
        ...(this.#withParams && params),
        ...(this.#types && typed(this.#types)),
        ...(fields && { variables: variablesType(fieldsOf(Object.fromEntries(fields))) }),
      },
      cacheSize: 0,
    });
  }
}

const typed = ({ object, params: given }: PolicyTypes) => ({
  object,
  oldObject: object,
  ...(given && { params: given }),
});

/** Why an expression cannot be used, in the words of Kubernetes. */
export interface ExpressionProblem {
  readonly why: string;
  /** It says what it should, and cannot be run all the same: Kubernetes takes that for an error of its own. */
  readonly internal: boolean;
}

/** What is wrong with an expression; undefined where it can be used. */
export function expressionProblem(
  { compiled }: Pick<PolicyExpression, 'compiled'>,
  types: readonly CelType[],
): ExpressionProblem | undefined {
  if (compiled.failure === undefined) return undefined;
  if (compiled.failure === 'program')
    return { why: `program instantiation failed: ${compiled.message}`, internal: true };
  return { why: whyUncompiled(compiled, types), internal: false };
}

function whyUncompiled({ failure, message }: CelFailure, types: readonly CelType[]): string {
  if (failure !== 'type') return `compilation failed: ${message}`;
  const names = types.map((each) => each.fullName);
  const expected = names.length === 1 ? names[0] : `one of [${names.join(' ')}]`;
  return `must evaluate to ${expected} but got ${message}`;
}

/** The value of `variables`: each is evaluated when it is first asked for, and once. */
export class VariableValues extends CelObject {
  readonly type = variablesType(fieldsOf({}));
  readonly #variables: ReadonlyMap<string, PolicyVariable>;
  readonly #evaluate: (variable: PolicyVariable) => CelValue;
  readonly #known = new Map<string, CelValue | CelError>();

  /** @param evaluate throws a `CelError`, or what says that an answer has to be waited for */
  constructor(variables: readonly PolicyVariable[], evaluate: (variable: PolicyVariable) => CelValue) {
    super();
    this.#variables = new Map(variables.map((each) => [each.name, each]));
    this.#evaluate = evaluate;
  }

  override get(field: string): CelValue | undefined {
    const known = this.#known.get(field);
    if (known instanceof CelError) throw known;
    if (known !== undefined) return known;
    const variable = this.#variables.get(field);
    if (!variable) return undefined;
    try {
      const value = this.#evaluate(variable);
      this.#known.set(field, value);
      return value;
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const failed = new CelError(`composited variable "${field}" fails to evaluate: ${error.message}`);
      this.#known.set(field, failed);
      throw failed;
    }
  }

  override has(field: string): boolean {
    return this.#variables.has(field);
  }

  override equals(other: CelValue): boolean {
    return this === other;
  }
}
