import { validateLabelValue, validateQualifiedName } from './name-validation.ts';

/** Labels of an object, by name. */
export type Labels = Readonly<Record<string, string>>;

/** `=` and `in` with one value match the same, but print differently. */
export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | '>' | '<';

/** One condition on one label. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  /** Empty for `exists` and `!`; one for comparisons; sorted for sets. */
  readonly values: readonly string[];
}

/** Whether the labels satisfy the condition. `!=` and `notin` hold for an absent label, as in Kubernetes. */
export function requirementMatches({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const present = Object.hasOwn(labels, key);
  const value = present ? (labels[key] ?? '') : '';
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return present && values.includes(value);
    case '!=':
    case 'notin':
      return !present || !values.includes(value);
    case 'exists':
      return present;
    case '!':
      return !present;
    case '>':
      return present && isInteger(value) && BigInt(value) > BigInt(values[0] ?? '0');
    case '<':
      return present && isInteger(value) && BigInt(value) < BigInt(values[0] ?? '0');
  }
}

/** kubectl's form of one condition. */
export function formatRequirement({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${[...values].sort().join(',')})`;
    default:
      return `${key}${operator}${values[0] ?? ''}`;
  }
}

/** The API's complaints about a condition that was given as text. */
export function requirementErrors({ key, operator, values }: LabelRequirement): string[] {
  const keyErrors = validateQualifiedName(key);
  const errors = keyErrors.length > 0 ? [`<nil>: ${invalid(key)}: ${keyErrors.join('; ')}`] : [];
  if ((operator === '>' || operator === '<') && !isInteger(values[0] ?? '')) {
    errors.push(`values[0]: ${invalid(values[0] ?? '')}: for 'Gt', 'Lt' operators, the value must be an integer`);
  }
  values.forEach((value, at) => {
    const why = validateLabelValue(value);
    if (why.length > 0) errors.push(`values[${at}][${key}]: ${invalid(value)}: ${why.join('; ')}`);
  });
  return errors;
}

const invalid = (value: string) => `Invalid value: ${JSON.stringify(value)}`;

const isInteger = (text: string) => /^[+-]?[0-9]{1,19}$/.test(text);
