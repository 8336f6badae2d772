import { type Activation, CelError, type CelResult, type CelValue, jsonValue } from '../../cel/index.ts';
import type { MatchOutcome } from '../webhook/contract.ts';
import type { PolicyAnnotation, PolicyValidation, ValidatingPolicy } from './contract.ts';
import { type PolicyExpression, type PolicyVariable, VariableValues } from './policy-expressions.ts';

/** What one expression may cost, the conditions of a policy together, and all else of it together, as by Kubernetes. */
const costOfOne = 1_000_000;
const costOfConditions = 2_500_000;
export const costOfAll = 10_000_000;
export const outOfBudget =
  'validation failed due to running out of cost budget, no further validation rules will be run';
const longestMessage = 5 * 1024;

/** A validation that did not hold, or could not be evaluated where that counts. */
export interface PolicyRefusal {
  readonly message: string;
  readonly reason?: string | undefined;
  /** Its place among the validations; undefined where the policy as a whole is meant. */
  readonly index?: number;
}

export interface PolicyOutcome {
  readonly refusals: readonly PolicyRefusal[];
  /** For the audit log, by the policy's own keys. */
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  readonly excluded?: boolean;
}

/** The expressions of a policy over one request and one object of parameters. */
export class Evaluation {
  readonly #activation: Activation;
  readonly #signal: AbortSignal | undefined;
  #left: number;

  constructor(
    variables: readonly PolicyVariable[],
    activation: Activation,
    budget: number,
    signal: AbortSignal | undefined,
  ) {
    this.#left = budget;
    this.#signal = signal;
    const values = new VariableValues(variables, (variable) => this.#variable(variable));
    this.#activation = { ...activation, variables: values };
  }

  get spent(): boolean {
    return this.#left < 0;
  }

  async of({ compiled }: PolicyExpression): Promise<CelResult> {
    if (compiled.failure !== undefined) return { error: compiled.message, cost: 0, cancelled: false };
    const result = await compiled.program.evaluateAsync(this.#activation, this.#options);
    this.#left -= result.cost;
    return result;
  }

  #variable({ compiled }: PolicyVariable): CelValue {
    if (compiled.failure !== undefined) throw new CelError(compiled.message);
    const result = compiled.program.evaluateWithin(this.#activation, this.#options);
    this.#left -= result.cost;
    if (result.error !== undefined) throw new CelError(result.error);
    return result.value;
  }

  get #options() {
    return { costLimit: costOfOne, ...(this.#signal && { signal: this.#signal }) };
  }
}

/**
 * What a policy says of a request, given the values of its variables but `variables`. What cannot be evaluated refuses
 * unless the policy's `failurePolicy` is Ignore.
 */
export async function evaluatePolicy(
  policy: ValidatingPolicy,
  activation: Activation,
  signal?: AbortSignal,
): Promise<PolicyOutcome> {
  const broken = (message: string): readonly PolicyRefusal[] => (policy.failsOpen ? [] : [{ message }]);
  const matched = await conditionsHold(policy.conditions, activation, signal);
  if (matched === 'excluded') return { refusals: [], annotations: [], excluded: true };
  if (matched !== 'matched') return { refusals: broken(matched.error), annotations: [] };
  const evaluation = new Evaluation(policy.variables, activation, costOfAll, signal);
  const refusals: PolicyRefusal[] = [];
  for (const [index, validation] of policy.validations.entries()) {
    const result = await evaluation.of(validation);
    if (evaluation.spent) return { refusals: broken(outOfBudget), annotations: [] };
    if (result.error !== undefined) {
      const message = `expression '${validation.text}' resulted in error: ${result.error}`;
      refusals.push(...broken(message).map((each) => ({ ...each, index })));
    } else if (result.value !== true) {
      refusals.push({ message: await messageOf(validation, evaluation), reason: validation.reason, index });
    }
  }
  const annotations: { key: string; value: string }[] = [];
  for (const annotation of policy.annotations) {
    const found = await annotationOf(annotation, evaluation);
    if ('error' in found) refusals.push(...broken(found.error));
    else if (found.value !== '') annotations.push({ key: annotation.key, value: found.value });
  }
  return { refusals, annotations };
}

/** Whether all match conditions of a webhook or a policy hold (KEP-3716). */
export async function conditionsHold(
  conditions: readonly PolicyExpression[],
  activation: Activation,
  signal: AbortSignal | undefined,
): Promise<MatchOutcome> {
  // Kubernetes shows them a namespace of which nothing is known.
  const evaluation = new Evaluation([], { ...activation, namespaceObject: jsonValue({}) }, costOfConditions, signal);
  const errors = new Set<string>();
  for (const condition of conditions) {
    const result = await evaluation.of(condition);
    if (evaluation.spent) return { error: outOfBudget };
    if (result.error !== undefined) errors.add(`expression '${condition.text}' resulted in error: ${result.error}`);
    else if (result.value === false) return 'excluded';
  }
  if (errors.size === 0) return 'matched';
  const all = [...errors];
  return { error: all.length === 1 ? (all[0] ?? '') : `[${all.join(', ')}]` };
}

/** What the expression for it gives, unless that fails or says nothing that can be shown in a line. */
async function messageOf(
  { text, message, messageExpression }: PolicyValidation,
  evaluation: Evaluation,
): Promise<string> {
  if (messageExpression) {
    const { value } = await evaluation.of(messageExpression);
    if (typeof value === 'string') {
      const shown = value.trim();
      if (shown !== '' && shown.length <= longestMessage && !/[\r\n]/.test(shown)) return shown;
    }
  }
  const fixed = message?.trim() ?? '';
  return fixed !== '' ? fixed : `failed expression: ${text.trim()}`;
}

async function annotationOf(
  annotation: PolicyAnnotation,
  evaluation: Evaluation,
): Promise<{ readonly value: string } | { readonly error: string }> {
  const result = await evaluation.of(annotation);
  if (evaluation.spent) return { error: outOfBudget };
  if (result.error !== undefined) {
    return { error: `expression '${annotation.text}' resulted in error: ${result.error}` };
  }
  return { value: typeof result.value === 'string' ? result.value.trim() : '' };
}
