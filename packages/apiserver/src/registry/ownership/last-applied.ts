import { isObject, type Json } from '../draft.ts';
import type { Application, Conflict } from './apply-owners.ts';
import { compareValues } from './compare-values.ts';
import { differenceOf, type FieldSet, noFields } from './field-set.ts';
import { fieldsOf } from './fields-of-value.ts';
import { goJson } from './path-element.ts';
import { validateValue } from './validate-value.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
const mostAnnotationBytes = 256 * 1024;

const annotationsOf = (object: Readonly<Json>): Readonly<Json> => {
  const metadata = object['metadata'];
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  return isObject(annotations) ? annotations : {};
};

/**
 * Fields that kubectl's client-side apply set and nobody changed since: kubectl may take them over without a conflict.
 * Undefined where it never applied.
 */
export function fieldsLastApplied({ versions, live }: Application): FieldSet | undefined {
  const text = annotationsOf(live)[annotation];
  if (typeof text !== 'string' || text === '') return undefined;
  const { kind, type } = versions.asked;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    // An annotation is anybody's text: one that is no JSON allows nothing.
    return undefined;
  }
  if (!isObject(last) || last['apiVersion'] !== kind.apiVersion || validateValue(type, last).length > 0) {
    return undefined;
  }
  const { changed, removed } = compareValues(type, last, live);
  return differenceOf(differenceOf(fieldsOf(type, last), changed), removed);
}

/** What remains of conflicts without the fields that may be taken over. */
export function conflictsBeyond(conflicts: readonly Conflict[], allowed: FieldSet): readonly Conflict[] {
  return conflicts.flatMap(({ manager, fields }) => {
    const left = differenceOf(fields, allowed);
    return left === noFields || left.size === 0 ? [] : [{ manager, fields: left }];
  });
}

/** The object with its annotation telling what has been applied now, if it had one; too large a one goes. */
export function withLastApplied(object: Readonly<Json>, applied: Readonly<Json>): Readonly<Json> {
  const annotations = annotationsOf(object);
  const before = annotations[annotation];
  if (typeof before !== 'string' || before === '') return object;
  const metadata = isObject(applied['metadata']) ? applied['metadata'] : {};
  const { [annotation]: _own, ...others } = annotationsOf(applied);
  const { annotations: own, ...rest } = metadata;
  const told = {
    ...applied,
    metadata: { ...rest, ...(isObject(own) && { annotations: others }) },
  };
  const next: Json = { ...annotations, [annotation]: `${sortedJson(told)}\n` };
  const size = Object.entries(next).reduce(
    (sum, [key, each]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(each)),
    0,
  );
  if (size > mostAnnotationBytes) delete next[annotation];
  return { ...object, metadata: { ...(object['metadata'] as Json), annotations: next } };
}

/** As Go writes maps: members in the order of their names. */
function sortedJson(value: unknown): string {
  const sorted = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(sorted);
    if (!isObject(each)) return each;
    return Object.fromEntries(
      Object.keys(each)
        .sort()
        .map((key) => [key, sorted(each[key])]),
    );
  };
  return goJson(sorted(value));
}
