import type { JSONSchemaProps, ValidationRule } from '../api/index.ts';
import { deepEqual, isJsonObject } from '../machinery/index.ts';

/** Whom a change breaks: `objects` that are stored become invalid or lose something; `clients` find things otherwise. */
export type Breaks = 'objects' | 'clients';

/** Takes down a change. */
export type Report = (path: string, breaks: Breaks, change: string, why: string) => void;

/**
 * Reports whatever an object may say under one schema and not under another, which is to take its place; and what the
 * server would do otherwise with the same object. What becomes wider is not reported.
 * @param path of the value: `spec.ports[].name`
 */
export function compareSchemas(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  if (before === after) return;
  compareTypes(before, after, path, report);
  compareBounds(before, after, path, report);
  compareValues(before, after, path, report);
  compareCombinations(before, after, path, report);
  compareRules(before, after, path, report);
  compareMerging(before, after, path, report);
  if (isSchema(before.items) && isSchema(after.items)) compareSchemas(before.items, after.items, `${path}[]`, report);
  compareFields(before, after, path, report);
}

const isSchema = (value: unknown): value is JSONSchemaProps => isJsonObject(value);
const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);
const intOrString = 'x-kubernetes-int-or-string';
const preserves = 'x-kubernetes-preserve-unknown-fields';

/** `undefined`: any. */
function typesOf(schema: JSONSchemaProps): readonly string[] | undefined {
  if (schema[intOrString]) return ['integer', 'string'];
  return schema.type ? [schema.type] : undefined;
}

function compareTypes(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const [was, is] = [typesOf(before), typesOf(after)];
  const takes = (type: string) => is?.includes(type) || (type === 'integer' && is?.includes('number'));
  if (is && !was?.every(takes)) {
    report(path, 'objects', 'type', `it was ${was?.join(' or ') ?? 'anything'} and is ${is.join(' or ')}`);
  }
  if (before.nullable && !after.nullable) report(path, 'objects', 'nullable', 'it could be null');
  if (after['x-kubernetes-embedded-resource'] && !before['x-kubernetes-embedded-resource']) {
    report(path, 'objects', 'x-kubernetes-embedded-resource', 'it must be a resource with apiVersion and kind now');
  }
}

/** Higher is stricter for the first, lower for the second. */
const atLeast = ['minLength', 'minItems', 'minProperties'] as const;
const atMost = ['maxLength', 'maxItems', 'maxProperties'] as const;

function compareBounds(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  for (const key of atLeast) {
    const [was = 0, is = 0] = [before[key], after[key]];
    if (is > was) report(path, 'objects', key, `it was ${was} and is ${is}`);
  }
  for (const key of atMost) {
    const [was = Infinity, is = Infinity] = [before[key], after[key]];
    if (is < was) report(path, 'objects', key, `it was ${was === Infinity ? 'not bounded' : was} and is ${is}`);
  }
  if (isHigher(lowest(before), lowest(after))) {
    report(path, 'objects', 'minimum', `it was ${shownBound(lowest(before))} and is ${shownBound(lowest(after))}`);
  }
  if (isHigher(negated(highest(before)), negated(highest(after)))) {
    report(path, 'objects', 'maximum', `it was ${shownBound(highest(before))} and is ${shownBound(highest(after))}`);
  }
  const { multipleOf: step } = after;
  if (step !== undefined && step !== before.multipleOf && !areMultiples(before.multipleOf, step)) {
    report(path, 'objects', 'multipleOf', `it was ${before.multipleOf ?? 'not said'} and is ${step}`);
  }
}

interface Bound {
  readonly at: number | undefined;
  readonly exclusive: boolean;
}

const lowest = ({ minimum, exclusiveMinimum }: JSONSchemaProps): Bound => ({
  at: minimum,
  exclusive: minimum !== undefined && exclusiveMinimum === true,
});
const highest = ({ maximum, exclusiveMaximum }: JSONSchemaProps): Bound => ({
  at: maximum,
  exclusive: maximum !== undefined && exclusiveMaximum === true,
});
const negated = ({ at, exclusive }: Bound): Bound => ({ at: at === undefined ? undefined : -at, exclusive });
const shownBound = ({ at, exclusive }: Bound) =>
  at === undefined ? 'not bounded' : `${at}${exclusive ? ' (exclusive)' : ''}`;

/** The server cuts bounds to whole numbers for whole numbers, so both readings count. */
function isHigher(was: Bound, is: Bound): boolean {
  if (is.at === undefined) return false;
  if (was.at === undefined) return true;
  const higher = (old: number, now: number) => now > old || (now === old && is.exclusive && !was.exclusive);
  return higher(was.at, is.at) || higher(Math.trunc(was.at), Math.trunc(is.at));
}

function areMultiples(was: number | undefined, is: number): boolean {
  if (was === undefined || is <= 0 || !Number.isInteger(was / is)) return false;
  return Number.isInteger(is) || Math.trunc(was) <= 0;
}

function compareValues(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const { enum: now } = after;
  if (now) {
    const gone = before.enum?.filter((each) => !now.some((other) => deepEqual(each, other)));
    if (!gone) report(path, 'objects', 'enum', `it may only be ${texts(now)} now`);
    else if (gone.length > 0) report(path, 'objects', 'enum', `${texts(gone)} may no longer be`);
  }
  const had = patternsOf(before);
  for (const each of patternsOf(after)) {
    if (!had.includes(each)) report(path, 'objects', 'pattern', `it must match ${each} now`);
  }
  if (after.format !== undefined && after.format !== before.format) {
    // Formats of numbers are told to clients and not checked.
    const isNumber = after.type === 'integer' || after.type === 'number';
    const isWider = isNumber && (before.format === undefined || after.format === 'int64');
    const breaks = isNumber ? 'clients' : 'objects';
    if (!isWider) {
      report(path, breaks, 'format', `it was ${before.format ?? 'not said'} and is ${after.format}`);
    }
  }
}

const texts = (values: readonly unknown[]) => values.map((each) => JSON.stringify(each)).join(', ');

/** Several patterns of one text stand under `allOf`. */
const isPattern = (schema: JSONSchemaProps) => Object.keys(schema).every((key) => key === 'pattern');
const patternsOf = ({ pattern, allOf = [] }: JSONSchemaProps): readonly string[] =>
  [pattern, ...allOf.filter(isPattern).map((each) => each.pattern)].flatMap((each) =>
    each === undefined ? [] : [each],
  );

function compareCombinations(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const others = ({ allOf = [] }: JSONSchemaProps) => allOf.filter((each) => !isPattern(each));
  for (const [key, was, is] of [
    ['allOf', others(before), others(after)],
    ['anyOf', before.anyOf ?? [], after.anyOf ?? []],
    ['oneOf', before.oneOf ?? [], after.oneOf ?? []],
    ['not', before.not, after.not],
  ] as const) {
    const isNone = is === undefined || (Array.isArray(is) && is.length === 0);
    if (!isNone && !deepEqual(was, is)) report(path, 'objects', key, 'it must fit other schemas now');
  }
}

function compareRules(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const key = 'x-kubernetes-validations';
  const same = (one: ValidationRule, other: ValidationRule) =>
    one.rule === other.rule && (one.optionalOldSelf ?? false) === (other.optionalOldSelf ?? false);
  for (const rule of after[key] ?? []) {
    if (before[key]?.some((each) => same(each, rule))) continue;
    const text = JSON.stringify(rule.rule);
    if (!/\boldSelf\b/.test(rule.rule)) report(path, 'objects', key, `the rule ${text} holds now`);
    else if (rule.optionalOldSelf) report(path, 'clients', key, `the rule ${text} holds for new values now`);
    else report(path, 'clients', key, `changes must keep the rule ${text} now`);
  }
}

function compareMerging(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const listKey = 'x-kubernetes-list-type';
  const keysOf = (schema: JSONSchemaProps) => [...(schema['x-kubernetes-list-map-keys'] ?? [])].toSorted().join(', ');
  const [was = 'atomic', is = 'atomic'] = [before[listKey], after[listKey]];
  if (was !== is || keysOf(before) !== keysOf(after)) {
    const shown = (type: string, schema: JSONSchemaProps) => (type === 'map' ? `a map by ${keysOf(schema)}` : type);
    const breaks = is === 'atomic' ? 'clients' : 'objects';
    report(path, breaks, listKey, `the list was ${shown(was, before)} and is ${shown(is, after)}`);
  }
  const mapKey = 'x-kubernetes-map-type';
  const [wasMap = 'granular', isMap = 'granular'] = [before[mapKey], after[mapKey]];
  if (wasMap !== isMap) report(path, 'clients', mapKey, `appliers found it ${wasMap} and find it ${isMap}`);
}

/** What may stand in a field: nothing (it is pruned), anything, or what fits a schema. */
function fieldOf(schema: JSONSchemaProps, name: string): JSONSchemaProps | 'anything' | undefined {
  const { properties = {}, additionalProperties } = schema;
  if (Object.hasOwn(properties, name)) return properties[name];
  return othersOf(schema, additionalProperties);
}

function othersOf(
  schema: JSONSchemaProps,
  additional: JSONSchemaProps['additionalProperties'],
): JSONSchemaProps | 'anything' | undefined {
  if (isSchema(additional)) return additional;
  return additional === true || schema[preserves] || schema['x-kubernetes-embedded-resource'] || !hasType(schema)
    ? 'anything'
    : undefined;
}

const hasType = (schema: JSONSchemaProps) => typesOf(schema) !== undefined;

function compareFields(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  const types = typesOf(before);
  // What cannot be an object has no fields.
  if ((types && !types.includes('object')) || (after.type !== undefined && after.type !== 'object')) return;
  const names = new Set([...Object.keys(before.properties ?? {}), ...Object.keys(after.properties ?? {})]);
  for (const name of names) compareField(fieldOf(before, name), fieldOf(after, name), join(path, name), report);
  const [was, is] = [othersOf(before, before.additionalProperties), othersOf(after, after.additionalProperties)];
  compareField(was, is, `${path}[*]`, report);
  const opens = (schema: JSONSchemaProps) => schema.additionalProperties === true && !schema[preserves];
  if (was !== undefined && opens(after) && !opens(before)) {
    report(`${path}[*]`, 'objects', 'removed', 'what is in its values is lost, as they have no schema');
  }
  for (const name of after.required ?? []) {
    const [had, has] = [before.properties?.[name], after.properties?.[name]];
    if (has?.default !== undefined) continue;
    const was = before.required?.includes(name) && had?.default === undefined;
    if (!was) report(join(path, name), 'objects', 'required', 'it must be there now, and could be left out');
  }
  compareDefaults(before, after, path, report);
}

function compareField(
  was: JSONSchemaProps | 'anything' | undefined,
  is: JSONSchemaProps | 'anything' | undefined,
  path: string,
  report: Report,
): void {
  if (was === undefined || is === 'anything') return;
  if (is === undefined) report(path, 'objects', 'removed', 'what is stored in it is lost');
  else if (was === 'anything') compareSchemas({}, is, path, report);
  else compareSchemas(was, is, path, report);
}

function compareDefaults(before: JSONSchemaProps, after: JSONSchemaProps, path: string, report: Report): void {
  for (const [name, was] of Object.entries(before.properties ?? {})) {
    const is = after.properties?.[name];
    if (!is || was.default === undefined || deepEqual(was.default, is.default)) continue;
    const now = is.default === undefined ? 'there is none now' : `it is ${JSON.stringify(is.default)}`;
    report(join(path, name), 'clients', 'default', `it was ${JSON.stringify(was.default)}, and ${now}`);
  }
  // What the server puts in counts.
  const added = Object.entries(after.properties ?? {}).filter(
    ([name, each]) => each.default !== undefined && before.properties?.[name]?.default === undefined,
  );
  if (after.maxProperties !== undefined && added.length > 0) {
    const names = added.map(([name]) => name).join(', ');
    report(path, 'objects', 'maxProperties', `the server puts in ${names}, which counts`);
  }
}
