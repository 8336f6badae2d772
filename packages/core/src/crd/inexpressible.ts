/** What the JSON schema of zod passes over in silence, by kind of schema. */
const kinds: Readonly<Record<string, string>> = {
  transform: 'the server cannot transform values',
  pipe: 'the server cannot transform values',
  catch: 'the server refuses what is wrong and cannot put another value in its place',
  date: 'there are no dates in JSON; use z.iso.datetime()',
  bigint: 'there are no big integers in JSON; use z.int()',
  map: 'there are no maps in JSON; use z.record(z.string(), …)',
  set: 'there are no sets in JSON; use setList(…)',
  tuple: 'a list with a type for each place has no structural schema; use an object',
  intersection: 'an intersection has no structural schema; use .extend(…)',
  null: 'a value that is always null has no structural schema',
  symbol: 'there are no symbols in JSON',
  undefined: 'there is no undefined in JSON',
  void: 'there is no undefined in JSON',
  never: 'a value that can never be has no structural schema',
  nan: 'there is no NaN in JSON',
  custom: 'the server cannot run code; say the rule in CEL with withRules(schema, { rule })',
  function: 'the server cannot run code',
  promise: 'there are no promises in JSON',
  file: 'there are no files in JSON',
};

/** A zod schema as far as its kind and checks are concerned; every version 4 has these. */
interface Inspectable {
  readonly _zod: { readonly def: object };
}

/** Why a CustomResourceDefinition cannot say what this one schema (not its children) says; `undefined` if it can. */
export function inexpressible(schema: Inspectable): string | undefined {
  const def = fields(schema._zod.def);
  const kind = kinds[String(def['type'])];
  if (kind) return kind;
  if (def['coerce'] === true) return 'the server cannot coerce values';
  if (def['type'] === 'record' && !isPlainString(def['keyType'])) {
    return 'the keys of a map are any strings; use an object with optional fields, or z.record(z.string(), …)';
  }
  for (const check of Array.isArray(def['checks']) ? def['checks'] : []) {
    const { check: name, pattern } = fields(fields(fields(check)['_zod'])['def']);
    if (name === 'custom') return kinds['custom'];
    if (name === 'overwrite') return 'the server cannot transform values';
    if (pattern instanceof RegExp && /[^uv]/.test(pattern.flags)) {
      return `the flags of the regular expression ${pattern} are unknown to the server`;
    }
  }
  return undefined;
}

function isPlainString(schema: unknown): boolean {
  const def = fields(fields(fields(schema)['_zod'])['def']);
  return (
    def['type'] === 'string' &&
    !(Array.isArray(def['checks']) && def['checks'].length > 0) &&
    def['format'] === undefined
  );
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(keysOf(value).map((key) => [key, Reflect.get(value, key)]))
    : {};
}

/** Definitions keep some of their members behind getters or on a prototype. */
const keysOf = (value: object): readonly string[] =>
  ['_zod', 'def', 'type', 'check', 'checks', 'coerce', 'keyType', 'format', 'pattern'].filter((key) => key in value);
