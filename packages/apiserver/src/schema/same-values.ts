import { compareQuantity, deepEqual } from '@keelson/core';
import type { Schema } from '../registry/contract.ts';
import { isRecord } from './records.ts';
import { definitions } from './table.ts';

type Compare = (a: unknown, b: unknown) => boolean;

const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
const known = new Map<string, Compare | undefined>();

/**
 * Whether Kubernetes takes two values of a definition for the same: amounts that are written otherwise and as large are
 * (`1Gi`, `1073741824`).
 */
export function sameValues(definition: string, a: unknown, b: unknown): boolean {
  return (comparing(definition, new Set()) ?? deepEqual)(a, b);
}

/** Undefined where the definition holds no amounts. `above`: what holds it; of schemas that hold themselves none has any. */
function comparing(definition: string, above: ReadonlySet<string>): Compare | undefined {
  if (definition === quantity) return sameAmounts;
  if (known.has(definition)) return known.get(definition);
  if (above.has(definition)) return undefined;
  const within = new Set([...above, definition]);
  const members = new Map<string, Compare>();
  for (const [name, schema] of Object.entries(definitions()[definition]?.properties ?? {})) {
    const compare = comparingSchema(schema, within);
    if (compare) members.set(name, compare);
  }
  const made = members.size > 0 ? sameMembers((name) => members.get(name)) : undefined;
  known.set(definition, made);
  return made;
}

function comparingSchema(
  { ref, items, additionalProperties: of }: Schema,
  above: ReadonlySet<string>,
): Compare | undefined {
  if (ref !== undefined) return comparing(ref, above);
  const within = items ?? of;
  const below = typeof within === 'object' ? comparingSchema(within, above) : undefined;
  if (!below) return undefined;
  return items ? sameLists(below) : sameMembers(() => below);
}

function sameAmounts(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  // Both have been decoded.
  return typeof a === 'string' && typeof b === 'string' && compareQuantity(a, b) === 0;
}

const sameLists =
  (compare: Compare): Compare =>
  (a, b) => {
    if (!Array.isArray(a) || !Array.isArray(b)) return deepEqual(a, b);
    return a.length === b.length && a.every((each, index) => compare(each, b[index]));
  };

const sameMembers =
  (compareOf: (name: string) => Compare | undefined): Compare =>
  (a, b) => {
    if (!isRecord(a) || !isRecord(b)) return deepEqual(a, b);
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    for (const name of names) if (!(compareOf(name) ?? deepEqual)(a[name], b[name])) return false;
    return true;
  };
