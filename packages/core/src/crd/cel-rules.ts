import type { z } from 'zod';
import type { ValidationRule } from '../api/index.ts';

type StartOfPath<K extends string> = `.${K}` | `.${K}.${string}` | `.${K}[${string}` | `['${string}`;

/** Paths below a value, as far as their first field can be checked: `.range.min`. */
export type FieldPathIn<T> = T extends readonly unknown[]
  ? `[${string}`
  : T extends object
    ? StartOfPath<keyof T & string>
    : never;

/**
 * A rule in CEL that the API server checks
 * (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules). `self` is
 * the value, `oldSelf` what it was: a rule that mentions it is asked on updates only.
 */
export interface CelRule<T = unknown> extends ValidationRule {
  /** True where the value is as it should be: `self.min <= self.max`. */
  readonly rule: string;
  /** What the refusal says; default `failed rule: …`. In one line. */
  readonly message?: string;
  /** A CEL expression that makes the message; where it fails, `message` stands. */
  readonly messageExpression?: string;
  /** Default `FieldValueInvalid`. */
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  /** Which field the refusal names, seen from the value: `.min`. */
  readonly fieldPath?: [T] extends [never] ? string : unknown extends T ? string : FieldPathIn<NonNullable<T>>;
  /** Asks a rule with `oldSelf` on creation too: there `oldSelf` is an optional without a value. */
  readonly optionalOldSelf?: boolean;
}

export const rulesKey = 'x-kubernetes-validations';

/**
 * The same schema with rules that its values must keep, beside those that it has; also where it is made optional, gets a
 * default or becomes the item of a list afterwards, and where it is all of that already.
 *
 * @example
 * withRules(z.object({ min: z.int(), max: z.int() }), { rule: 'self.min <= self.max', message: 'min is above max' })
 */
export function withRules<Schema extends z.ZodType>(
  schema: Schema,
  ...rules: readonly CelRule<NonNullable<z.output<Schema>>>[]
): Schema {
  return schema.meta({ ...schema.meta(), [rulesKey]: [...rulesOf(schema), ...rules] });
}

/** What a wrapper says hides what it wraps says, so it says both. */
function rulesOf(schema: unknown): readonly unknown[] {
  if (!isSchema(schema)) return [];
  const own: unknown = schema.meta()?.[rulesKey];
  return Array.isArray(own) ? own : rulesOf(schema._zod.def.innerType);
}

interface Schema {
  meta(): Readonly<Record<string, unknown>> | undefined;
  readonly _zod: { readonly def: { readonly innerType?: unknown } };
}

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && '_zod' in value;
