import type { z } from 'zod';
import type { JSONSchemaProps } from '../api/index.ts';
import { messageOf } from '../machinery/index.ts';
import { type CelRule, rulesKey } from './cel-rules.ts';
import { inexpressible } from './inexpressible.ts';

/** JSON Schema as zod writes it. */
type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * The structural schema (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions) that
 * says what a zod schema says: defaults, enums, limits, patterns, nullable, int-or-string. `.meta()` may carry
 * `x-kubernetes-*` keys; `withRules`, `mapList`, `setList` and `atomic` write them.
 * @param at where the schema stands in the object, for errors: `spec`
 * @throws TypeError that names the path of what a CustomResourceDefinition cannot express
 */
export function structuralSchema(schema: z.ZodObject, at: string): JSONSchemaProps {
  const findings: string[] = [];
  let written: unknown;
  try {
    written = schema.toJSONSchema({
      io: 'input',
      target: 'openapi-3.0',
      unrepresentable: 'any',
      cycles: 'throw',
      override: ({ zodSchema, path }) => {
        const why = inexpressible(zodSchema);
        if (why) findings.push(`${fieldPath(at, path)}: ${why}`);
      },
    });
  } catch (error) {
    throw new TypeError(`${at}: ${messageOf(error)}`, { cause: error });
  }
  if (findings.length > 0) throw new TypeError([...new Set(findings)].toReversed().join('\n'));
  return convert(record(written), at);
}

function fieldPath(at: string, path: readonly (string | number)[]): string {
  let text = at;
  for (let index = 0; index < path.length; index += 1) {
    const part = path[index];
    if (part === 'properties') {
      index += 1;
      text += `.${path[index]}`;
    } else if (part === 'items') text += '[]';
    else if (part === 'additionalProperties') text += '[*]';
  }
  return text;
}

/** Say the same in both dialects. */
const kept = new Set([
  'type', 'default', 'description', 'title', 'enum', 'nullable', 'minimum', 'maximum', 'exclusiveMinimum',
  'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties',
  'maxProperties', 'required',
]); // biome-ignore format: a table
/** Concern people or other tools. */
const dropped = new Set([
  '$schema',
  'id',
  '$id',
  'readOnly',
  'writeOnly',
  'deprecated',
  'example',
  'examples',
  'contentEncoding',
]);
/** Formats that the API server checks itself, and as strictly. */
const serverFormats = new Set([
  'date-time',
  'date',
  'email',
  'uuid',
  'uri',
  'ipv4',
  'ipv6',
  'byte',
  'int32',
  'int64',
  'float',
  'double',
]);

function convert(node: JsonSchema, path: string): JSONSchemaProps {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    if (kept.has(key) || key.startsWith('x-kubernetes-')) out[key] = value;
    else if (key === 'properties') out[key] = properties(record(value), path);
    else if (key === 'items') out[key] = convert(record(value), `${path}[]`);
    else if (key === 'additionalProperties') Object.assign(out, additional(value, path));
    else if (key === 'anyOf' || key === 'oneOf') Object.assign(out, union(records(value), path));
    else if (key === 'allOf') out[key] = records(value).map((each) => patternOnly(each, path));
    else if (key === 'format') Object.assign(out, serverFormats.has(String(value)) && { format: value });
    else if (key === 'pattern') Object.assign(out, pattern(String(value), node, path));
    else if (!dropped.has(key)) throw new TypeError(`${path}: "${key}" cannot be said in a CustomResourceDefinition`);
  }
  if (out['type'] === 'integer') Object.assign(out, integer(out));
  if (out['type'] === 'number') Object.assign(out, fractionRules(out));
  if (out['nullable'] === true && out['enum'] !== undefined) {
    throw new TypeError(`${path}: the server refuses null for an enum, whatever else it says; use .optional()`);
  }
  if (out['type'] === undefined && out['x-kubernetes-int-or-string'] !== true)
    out['x-kubernetes-preserve-unknown-fields'] = true;
  if (Array.isArray(out['required']) && out['required'].length === 0) delete out['required'];
  return out;
}

function properties(all: JsonSchema, path: string): Readonly<Record<string, JSONSchemaProps>> {
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [name, convert(record(value), `${path}.${name}`)]),
  );
}

/** Unknown fields are pruned by the server unless the schema keeps them; a map says what its values are. */
function additional(value: unknown, path: string): object {
  if (value === false) return {};
  if (value === true || Object.keys(record(value)).length === 0)
    return { 'x-kubernetes-preserve-unknown-fields': true };
  return { additionalProperties: convert(record(value), `${path}[*]`) };
}

function union(members: readonly JsonSchema[], path: string): object {
  const types = members.map((each) => each['type']);
  const plain = members.every((each) =>
    Object.keys(each).every((key) => key === 'type' || key === 'minimum' || key === 'maximum'),
  );
  if (
    plain &&
    types.length === 2 &&
    types.includes('string') &&
    (types.includes('integer') || types.includes('number'))
  ) {
    return { 'x-kubernetes-int-or-string': true };
  }
  const [type] = types;
  if (type !== undefined && members.every((each) => each['type'] === type && Array.isArray(each['enum']))) {
    return { type, enum: members.flatMap((each) => (Array.isArray(each['enum']) ? each['enum'] : [])) };
  }
  throw new TypeError(
    `${path}: a union has no structural schema unless it is of literals, or of a whole number and a string; ` +
      'make it one object with optional fields',
  );
}

/** Further patterns of one string. */
function patternOnly(member: JsonSchema, path: string): JSONSchemaProps {
  const others = Object.keys(member).filter((key) => key !== 'type' && key !== 'pattern' && key !== 'format');
  if (others.length > 0) throw new TypeError(`${path}: an intersection cannot be said in a CustomResourceDefinition`);
  return pattern(String(member['pattern']), member, path);
}

/** The server's regular expressions (RE2) neither look around nor refer back. */
function pattern(source: string, node: JsonSchema, path: string): { readonly pattern?: string } {
  if (!/\(\?<?[=!]|\\[1-9]|\\k</.test(source)) return { pattern: source };
  if (node['format'] !== undefined && node['format'] !== 'regex') {
    if (serverFormats.has(String(node['format']))) return {};
  }
  throw new TypeError(
    `${path}: the API server's regular expressions know no look-around and no back-references: /${source}/`,
  );
}

function integer(node: Readonly<Record<string, unknown>>): object {
  const { minimum, maximum } = node;
  if (minimum === -(2 ** 31) && maximum === 2 ** 31 - 1)
    return { format: 'int32', minimum: undefined, maximum: undefined };
  return {
    format: 'int64',
    ...(minimum === Number.MIN_SAFE_INTEGER && { minimum: undefined }),
    ...(maximum === Number.MAX_SAFE_INTEGER && { maximum: undefined }),
  };
}

/**
 * The server holds whole numbers against the whole part of a bound, so 0 passes for 0.5, and 99 is not below 99.5:
 * what has a fraction is said in CEL.
 */
function fractionRules(node: Readonly<Record<string, unknown>>): object {
  const fraction = (key: string) =>
    typeof node[key] === 'number' && !Number.isInteger(node[key]) ? node[key] : undefined;
  const [least, most, step] = [fraction('minimum'), fraction('maximum'), fraction('multipleOf')];
  const [above, below] = [node['exclusiveMinimum'] === true, node['exclusiveMaximum'] === true];
  const rules: CelRule[] = [];
  const add = (rule: string, message: string) => void rules.push({ rule, message: `should be ${message}` });
  if (least !== undefined) {
    add(`self ${above ? '>' : '>='} ${celDouble(least)}`, `greater than ${above ? '' : 'or equal to '}${least}`);
  }
  if (most !== undefined) {
    add(`self ${below ? '<' : '<='} ${celDouble(most)}`, `less than ${below ? '' : 'or equal to '}${most}`);
  }
  if (step !== undefined) {
    const times = `self / ${celDouble(step)}`;
    add(`${times} == double(int(${times}))`, `a multiple of ${step}`);
  }
  if (rules.length === 0) return {};
  const own = node[rulesKey];
  return {
    ...(least !== undefined && { minimum: Math.floor(least), exclusiveMinimum: undefined }),
    ...(most !== undefined && { maximum: Math.ceil(most), exclusiveMaximum: undefined }),
    ...(step !== undefined && { multipleOf: undefined }),
    [rulesKey]: [...(Array.isArray(own) ? own : []), ...rules],
  };
}

/** A literal of CEL, which has a fraction or an exponent. */
const celDouble = (value: number) => (/[.e]/.test(String(value)) ? String(value) : `${value}.0`);

function record(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function records(value: unknown): readonly JsonSchema[] {
  return Array.isArray(value) ? value.map(record) : [];
}
