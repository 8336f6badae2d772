import { deepEqual, StatusError } from '@keelson/core';
import type { Json } from '../draft.ts';
import { type Comparison, compareValues, type Skipped } from './compare-values.ts';
import { convertValue, UntypedValue, type Version, type Versions } from './conversions.ts';
import { differenceOf, type FieldSet, fieldSetOf, noFields, recursiveDifferenceOf, unionOf } from './field-set.ts';
import { type Manager, type Managers, withFields } from './managers.ts';
import { reconciledManagers } from './reconcile.ts';

/** An object before and after a write, both as the request's version shows them. */
export interface Change {
  readonly versions: Versions;
  readonly before: Readonly<Json> | null;
  readonly after: Readonly<Json> | null;
  /** What the write cannot change, and so nobody gains or loses by it. */
  readonly reset: FieldSet;
}

/** What a manager never owns: identity, and what the server itself writes. */
export const stripped: FieldSet = fieldSetOf(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'clusterName', 'generation', 'managedFields'].map(
    (each) => ['f:metadata', `f:${each}`],
  ),
  ['f:metadata', 'f:resourceVersion'],
);

const skippedMetadata: Skipped = new Map(
  ['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'managedFields', 'resourceVersion'].map(
    (each) => [each, true],
  ),
);

/** Entries that a client wrote may name what no entry of this server does. */
const ownersOnly: Skipped = new Map([['metadata', new Map<string, true>([['managedFields', true]])]]);

function namesIdentity(managers: Managers): boolean {
  for (const { fields } of managers.values()) {
    if (fields.has('f:kind') || fields.has('f:apiVersion')) return true;
    const metadata = fields.get('f:metadata')?.children;
    if (metadata) for (const each of metadata.keys()) if (skippedMetadata.has(each.slice(2))) return true;
  }
  return false;
}

const skips = new WeakMap<FieldSet, Skipped>();

/** What need not be compared, since nobody can own it, or nobody's ownership changes by it. */
function skipsFor(reset: FieldSet, managers: Managers): Skipped {
  if (namesIdentity(managers)) return ownersOnly;
  let skipped = skips.get(reset);
  if (!skipped) {
    const made = new Map<string, Skipped | true>([
      ['apiVersion', true],
      ['kind', true],
      ['metadata', skippedMetadata],
    ]);
    for (const [element, node] of reset) if (node.member) made.set(element.slice(2), true);
    skipped = made;
    skips.set(reset, skipped);
  }
  return skipped;
}

/**
 * Whether the write says something else in a place that it cannot change. It gains nothing by it, but is looked at like
 * all of it: a list there whose elements cannot be told apart leaves nobody an owner, as with Kubernetes.
 */
function saysOtherwise({ before, after, reset }: Change): boolean {
  for (const [element, node] of reset) {
    const said = node.member ? after?.[element.slice(2)] : undefined;
    if (said !== undefined && said !== null && !deepEqual(said, before?.[element.slice(2)])) return true;
  }
  return false;
}

function typed(from: Version, to: Version, value: unknown, which: 'old' | 'new'): unknown {
  try {
    return convertValue(from, to, value);
  } catch (error) {
    if (!(error instanceof UntypedValue)) throw error;
    const message = which === 'new' ? `failed to convert new object: ${error.message}` : error.message;
    throw new StatusError({ status: 'Failure', message, code: 500 });
  }
}

/** The change as one version of the kind sees it. */
export class Comparisons {
  readonly #change: Change;
  readonly #skipped: Skipped;
  readonly #found = new Map<Version, Comparison>();

  /** `managers`: those whose fields are looked for. */
  constructor(change: Change, managers: Managers) {
    this.#change = change;
    this.#skipped = saysOtherwise(change) ? ownersOnly : skipsFor(change.reset, managers);
  }

  in(version: Version): Comparison {
    let found = this.#found.get(version);
    if (!found) {
      const { versions, before, after, reset } = this.#change;
      const { asked } = versions;
      const { changed, removed } = compareValues(
        version.type,
        typed(asked, version, before, 'old'),
        typed(asked, version, after, 'new'),
        this.#skipped,
      );
      found = { changed: recursiveDifferenceOf(changed, reset), removed: recursiveDifferenceOf(removed, reset) };
      this.#found.set(version, found);
    }
    return found;
  }
}

/**
 * Who owns what after an ordinary write: the writer all that it changed, the others no longer what was changed or
 * removed. The time of an entry changes only when the writer changed a field.
 */
export function ownersAfterUpdate(
  change: Change,
  managers: Managers,
  writer: Omit<Manager, 'fields' | 'entry' | 'time'> & { readonly identity: string },
  now: () => string,
): Map<string, Manager> {
  managers = reconciledManagers(change.versions, managers);
  const comparisons = new Comparisons(change, managers);
  const own = comparisons.in(change.versions.asked);
  const gained = differenceOf(own.changed, stripped);
  const result = new Map<string, Manager>();
  for (const [identity, manager] of managers) {
    const version = change.versions.find(manager.apiVersion);
    if (!version) continue;
    const { changed, removed } = comparisons.in(version);
    const fields = differenceOf(differenceOf(manager.fields, changed), removed);
    if (fields.size > 0) result.set(identity, withFields(manager, fields));
  }
  if (gained.size === 0) return result;
  const { identity, name, operation, apiVersion, subresource } = writer;
  const left = result.get(identity)?.fields ?? noFields;
  // Where it gains only what it had, its set stays the very one that it was.
  const before = managers.get(identity)?.fields;
  const fields = unionOf(left, gained);
  result.set(identity, {
    name,
    operation,
    apiVersion,
    subresource,
    time: now(),
    fields: before && sameAs(before, fields) ? before : fields,
    entry: undefined,
  });
  return result;
}

function sameAs(before: FieldSet, after: FieldSet): boolean {
  return unionOf(before, after) === before && unionOf(after, before) === after;
}
