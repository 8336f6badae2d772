import type { FieldError, JSONSchemaProps } from '@keelson/core';
import { CelError, CelOptional, type CelValue, schemaValue } from '../cel/index.ts';
import { type FieldErrors, goQuote } from '../registry/strategy.ts';
import { itemsOf, valuesOf } from './custom-decoder.ts';
import { type CompiledRule, callCostLimit, compileRules, type ValidationRule } from './rule-compilation.ts';
import { fieldSchema } from './schema-path.ts';
import { elementLike, isUnchanged } from './unchanged.ts';

type Json = Readonly<Record<string, unknown>>;

/** What all rules of one object may cost together, in CEL's units. */
const objectCostLimit = 10_000_000;
const longestMessage = 5 * 1024;

/** Where CEL looks in a schema: itself, and what of its parts has rules anywhere. */
interface RuleNode {
  readonly schema: JSONSchemaProps;
  readonly own: boolean;
  readonly properties: ReadonlyMap<string, RuleNode>;
  readonly values: RuleNode | undefined;
  readonly items: RuleNode | undefined;
}

const known = new WeakMap<JSONSchemaProps, RuleNode | 'none'>();

function nodeOf(schema: JSONSchemaProps | boolean | undefined): RuleNode | undefined {
  if (typeof schema !== 'object') return undefined;
  let found = known.get(schema);
  if (found === undefined) {
    found = findRules(schema) ?? 'none';
    known.set(schema, found);
  }
  return found === 'none' ? undefined : found;
}

function findRules(schema: JSONSchemaProps): RuleNode | undefined {
  const own = (schema['x-kubernetes-validations']?.length ?? 0) > 0;
  const properties = new Map<string, RuleNode>();
  for (const [name, each] of Object.entries(schema.properties ?? {})) {
    const node = nodeOf(each);
    if (node) properties.set(name, node);
  }
  const values = nodeOf(valuesOf(schema));
  const items = nodeOf(itemsOf(schema));
  return own || properties.size > 0 || values || items ? { schema, own, properties, values, items } : undefined;
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

export interface RuleValidation {
  /** Wrong already; some of it makes it senseless to evaluate anything. */
  readonly found: readonly FieldError[];
  readonly errors: FieldErrors;
  /** What did not hold before, and is as it was (KEP-4008). */
  readonly warn: (text: string) => void;
}

/** Evaluates the rules of a schema (`x-kubernetes-validations`) for a whole object; `old` on an update. */
export function validateRules(
  object: unknown,
  schema: JSONSchemaProps,
  old: unknown,
  { found, errors, warn }: RuleValidation,
): void {
  const node = nodeOf(schema);
  if (!node) return;
  if (found.some(({ type }) => blocking.has(type))) {
    const why =
      'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
    errors.invalid('<nil>', null, why);
    return;
  }
  new Evaluation(errors, warn).visit(node, object, old, { at: '', root: true, unchanged: false });
}

interface Visit {
  readonly at: string;
  readonly root: boolean;
  /** What it is part of is as it was. */
  readonly unchanged: boolean;
}

const spent = 'validation failed due to running out of cost budget, no further validation rules will be run';

class Evaluation {
  readonly #errors: FieldErrors;
  readonly #warn: (text: string) => void;
  #left = objectCostLimit;

  constructor(errors: FieldErrors, warn: (text: string) => void) {
    this.#errors = errors;
    this.#warn = warn;
  }

  /** False where no more is to be evaluated. */
  visit(node: RuleNode, value: unknown, old: unknown, visit: Visit): boolean {
    if (value === null || value === undefined) return true;
    const { at } = visit;
    const unchanged = visit.unchanged || (old !== undefined && isUnchanged(value, old, node.schema));
    if (node.own && !this.#rules(node.schema, value, old, { ...visit, unchanged })) return false;
    const below = (here: string): Visit => ({ at: here, root: false, unchanged });
    if (Array.isArray(value)) {
      const { items } = node;
      if (!items) return true;
      return value.every((each: unknown, index) =>
        this.visit(items, each, elementLike(each, old, node.schema), below(`${at}[${index}]`)),
      );
    }
    if (!isObject(value)) return true;
    const before: Json = isObject(old) ? old : {};
    for (const name in value) {
      const own = node.properties.get(name);
      const here = own ? (at === '' ? name : `${at}.${name}`) : `${at}[${name}]`;
      const next = own ?? (node.schema.properties?.[name] ? undefined : node.values);
      if (next && !this.visit(next, value[name], before[name], below(here))) return false;
    }
    return true;
  }

  #rules(schema: JSONSchemaProps, value: unknown, old: unknown, visit: Visit): boolean {
    const field = visit.at === '' ? '<nil>' : visit.at;
    const type = schema.type ?? '';
    const failed = (why: string) => this.#errors.invalid(field, type, why);
    if (this.#left <= 0) {
      failed(spent);
      return false;
    }
    const compiled = compileRules(schema, visit.root);
    const activations = new Activations(schema, value, old, visit.root);
    for (const each of compiled?.rules ?? []) {
      const { rule, expression, usesOldSelf } = each;
      if (each.failure !== undefined) {
        failed(`rule compile error: ${each.failure}`);
        continue;
      }
      const optional = rule.optionalOldSelf === true;
      if (!expression || (usesOldSelf && !optional && (old === undefined || old === null))) continue;
      const activation = activations.of(optional);
      if (typeof activation === 'string') {
        failed(`${activation} evaluating rule: ${ruleText(rule)}`);
        continue;
      }
      const result = expression.program.evaluate(activation, { costLimit: callCostLimit });
      if (result.cost > this.#left) {
        failed(spent);
        return false;
      }
      this.#left -= result.cost;
      if (result.error !== undefined) {
        if (result.error.startsWith('operation cancelled: actual cost limit exceeded')) {
          failed(
            `'${result.error}': no further validation rules will be run due to call cost exceeds limit for rule: ${ruleText(rule)}`,
          );
          return false;
        }
        failed(
          result.error.startsWith('no such overload')
            ? `'${result.error}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`
            : `${result.error} evaluating rule: ${ruleText(rule)}`,
        );
        continue;
      }
      if (result.value === true) continue;
      if (!this.#broken(each, activation, value, field, { schema, unchanged: visit.unchanged })) return false;
    }
    return true;
  }

  /** Says that a rule does not hold; false where no more is to be evaluated. */
  #broken(
    { rule, message, usesOldSelf }: CompiledRule,
    activation: Readonly<Record<string, CelValue>>,
    value: unknown,
    field: string,
    { schema, unchanged }: { readonly schema: JSONSchemaProps; readonly unchanged: boolean },
  ): boolean {
    let goesOn = true;
    let detail = rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`;
    if (message) {
      const result = message.program.evaluate(activation, { costLimit: callCostLimit });
      if (result.cost > this.#left) {
        detail =
          'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run';
        goesOn = false;
      } else if (result.error?.startsWith('operation cancelled: actual cost limit exceeded')) {
        detail = 'no further validation rules will be run due to call cost exceeds limit for messageExpression';
        goesOn = false;
      } else {
        this.#left -= result.cost;
        const text = typeof result.value === 'string' ? result.value.trim() : '';
        if (text !== '' && text.length <= longestMessage && !/[\r\n]/.test(text)) detail = text;
      }
    }
    const place = rule.fieldPath ? withPath(field, rule.fieldPath, schema) : field;
    const error = fieldError(place, rule.reason, value, detail);
    if (unchanged && !usesOldSelf) this.#warn(`${error.field}: ${error.message}`);
    else this.#errors.list.push(error);
    return goesOn;
  }
}

/** The values of `self` and `oldSelf`, made when they are first needed; a text says why there are none. */
class Activations {
  readonly #make: (optional: boolean) => Readonly<Record<string, CelValue>>;
  readonly #made = new Map<boolean, Readonly<Record<string, CelValue>> | string>();

  constructor(schema: JSONSchemaProps, value: unknown, old: unknown, isRoot: boolean) {
    const toCel = (each: unknown) => schemaValue(each, schema, isRoot);
    this.#make = (optional) => {
      const self = toCel(value);
      const before = old === undefined || old === null ? undefined : toCel(old);
      if (optional) return { self, oldSelf: before === undefined ? CelOptional.none : new CelOptional(before) };
      // Without anything before there is no rule that asks for it.
      return { self, oldSelf: before ?? null };
    };
  }

  of(optional: boolean): Readonly<Record<string, CelValue>> | string {
    let made = this.#made.get(optional);
    if (made === undefined) {
      try {
        made = this.#make(optional);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        made = error.message;
      }
      this.#made.set(optional, made);
    }
    return made;
  }
}

/** How messages name a rule. */
const ruleText = ({ rule, message }: ValidationRule): string => (message ? message : rule).trim();

const step = /\.([^.['\]]+)|\['((?:[^'\\]|\\.)+)'\]/g;

/** A `fieldPath` is relative to where the rule stands; keys of maps stand in brackets. */
function withPath(field: string, path: string, schema: JSONSchemaProps): string {
  let at = field === '<nil>' ? '' : field;
  let place: JSONSchemaProps | undefined = schema;
  for (const [, plain, quoted = ''] of path.matchAll(step)) {
    const name = plain ?? quoted.replace(/\\(.)/g, '$1');
    const isKey = place !== undefined && place.properties === undefined && typeof valuesOf(place) === 'object';
    if (isKey) at = `${at}[${name}]`;
    else at = at === '' ? name : `${at}.${name}`;
    place = place && fieldSchema(place, name);
  }
  return at;
}

/** What is wrong with a value; that of a scalar is shown. */
function fieldError(field: string, reason: string | undefined, value: unknown, detail: string): FieldError {
  const shown = typeof value === 'string' ? goQuote(value) : typeof value === 'object' ? undefined : String(value);
  switch (reason) {
    case 'FieldValueForbidden':
      return { type: reason, field, message: `Forbidden: ${detail}` };
    case 'FieldValueRequired':
      return { type: reason, field, message: `Required value: ${detail}` };
    case 'FieldValueDuplicate':
      return { type: reason, field, message: shown === undefined ? 'Duplicate value' : `Duplicate value: ${shown}` };
    default:
      return {
        type: 'FieldValueInvalid',
        field,
        message: shown === undefined ? `Invalid value: ${detail}` : `Invalid value: ${shown}: ${detail}`,
      };
  }
}
