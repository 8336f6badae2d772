import { type FieldError, type PatchType, type RequestOptions, StatusError, type Verb } from '@keelson/core';
import { z } from 'zod';
import { checkRequestOptions, isFieldValidation } from '../registry/request-options.ts';
import { checkListOptions } from '../registry/resource-version.ts';
import { checkSelectorSyntax } from '../registry/selection.ts';
import { isTrue } from './request-info.ts';

const integer = /^[+-]?\d+$/;

/** Reads one query string: numbers are checked, texts that are empty are absent. */
class Query {
  readonly #query: URLSearchParams;

  constructor(query: URLSearchParams) {
    this.#query = query;
  }

  text(name: string): string | undefined {
    return this.#query.get(name) || undefined;
  }

  all(name: string): readonly string[] {
    return this.#query.getAll(name);
  }

  /** Rejects with 400 for what is no number. */
  number(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (integer.test(value)) return Number(value);
    throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }

  flag(name: string): boolean | undefined {
    const value = this.#query.get(name);
    return value === null ? undefined : isTrue(value);
  }
}

/**
 * Reads the query string into the options that a verb has, a patch by its type. Rejects with 400 and 422 for values that
 * are none.
 */
export function parseQueryOptions(parameters: URLSearchParams, verb: Verb, patchType?: PatchType): RequestOptions {
  const query = new Query(parameters);
  switch (verb) {
    case 'get':
      return defined({ resourceVersion: query.text('resourceVersion') });
    case 'list':
    case 'watch':
      return listOptions(query);
    case 'delete':
      return deleteOptions(deletionIn(query));
    case 'deletecollection':
      return { ...listOptions(query), ...deleteOptions(deletionIn(query)) };
    default:
      return writeOptions(query, verb, patchType);
  }
}

/** What a DELETE of many selects by, whatever its body says. */
export function parseSelection(parameters: URLSearchParams): RequestOptions {
  return listOptions(new Query(parameters));
}

/** Throws what is wrong with the options of a list or a watch, whatever it is about: 400 and 422. */
export function checkListQuery(parameters: URLSearchParams, verb: 'list' | 'watch'): void {
  const options = parseQueryOptions(parameters, verb);
  checkSelectorSyntax(options.labelSelector, options.fieldSelector);
  checkListOptions(options, verb === 'watch');
}

function listOptions(query: Query): RequestOptions {
  const match = query.text('resourceVersionMatch');
  const options = defined({
    resourceVersion: query.text('resourceVersion'),
    labelSelector: query.text('labelSelector'),
    fieldSelector: query.text('fieldSelector'),
    limit: query.number('limit'),
    continue: query.text('continue'),
    timeoutSeconds: query.number('timeoutSeconds'),
    allowWatchBookmarks: query.flag('allowWatchBookmarks'),
    sendInitialEvents: query.flag('sendInitialEvents'),
  });
  if (match === undefined || match === 'Exact' || match === 'NotOlderThan') {
    return { ...options, ...(match && { resourceVersionMatch: match }) };
  }
  // Refused together with all else that is wrong, but for what cannot be read.
  checkSelectorSyntax(options.labelSelector, options.fieldSelector);
  checkListOptions({ ...options, resourceVersionMatch: match }, query.flag('watch') ?? false);
  return options;
}

function writeOptions(query: Query, verb: Verb, patchType: PatchType | undefined): RequestOptions {
  const dryRun = query.all('dryRun');
  const sent = defined({
    dryRun: dryRun.length > 0 ? dryRun : undefined,
    fieldManager: query.text('fieldManager'),
    force: verb === 'patch' ? query.flag('force') : undefined,
    fieldValidation: query.text('fieldValidation'),
  });
  checkRequestOptions({ verb, options: sent, ...(patchType && { patchType }) });
  const { fieldValidation, ...options } = sent;
  return fieldValidation !== undefined && isFieldValidation(fieldValidation)
    ? { ...options, fieldValidation }
    : options;
}

/** What says how to delete, in the query or in a body. */
const Deletion = z.object({
  gracePeriodSeconds: z.number().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  orphanDependents: z.boolean().nullish(),
  propagationPolicy: z.string().nullish(),
  dryRun: z.array(z.string()).nullish(),
});

function deletionIn(query: Query): z.infer<typeof Deletion> {
  return {
    gracePeriodSeconds: query.number('gracePeriodSeconds'),
    orphanDependents: query.flag('orphanDependents'),
    propagationPolicy: query.text('propagationPolicy'),
    dryRun: [...query.all('dryRun')],
  };
}

/** Reads the body of a DELETE, decoded as `DeleteOptions`. */
export function parseDeleteOptions(body: unknown): RequestOptions {
  return deleteOptions(Deletion.parse(body));
}

const policies = ['Foreground', 'Background', 'Orphan'] as const;

function deleteOptions(deletion: z.infer<typeof Deletion>): RequestOptions {
  const { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun } = deletion;
  const errors: FieldError[] = [];
  if (orphanDependents != null && propagationPolicy != null) {
    const message = `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`;
    errors.push({ type: 'FieldValueInvalid', field: 'propagationPolicy', message });
  }
  const supported = [...policies, 'nil'];
  const policy = oneOf(propagationPolicy ?? undefined, policies, 'propagationPolicy', errors, supported);
  const checked = checkedDryRun(dryRun ?? [], errors);
  refuse(errors, 'DeleteOptions');
  const { uid, resourceVersion } = preconditions ?? {};
  return defined({
    gracePeriodSeconds: gracePeriodSeconds ?? undefined,
    preconditions: preconditions
      ? defined({ uid: uid ?? undefined, resourceVersion: resourceVersion ?? undefined })
      : undefined,
    propagationPolicy: policy,
    orphanDependents: orphanDependents ?? undefined,
    dryRun: checked,
  });
}

function checkedDryRun(values: readonly string[], errors: FieldError[]): readonly string[] | undefined {
  if (values.length === 0) return undefined;
  if (values.some((each) => each !== 'All')) errors.push(unsupported('dryRun', values, ['All']));
  return values;
}

function oneOf<const T extends string>(
  value: string | undefined,
  allowed: readonly T[],
  field: string,
  errors: FieldError[],
  told: readonly string[] = allowed,
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found === undefined) errors.push(unsupported(field, value, told));
  return found;
}

function unsupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const choices = supported.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${choices}`;
  return { type: 'FieldValueNotSupported', field, message };
}

function refuse(errors: readonly FieldError[], kind: string): void {
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: kind }, '', errors);
}

/** Leaves out what is undefined. */
function defined<T extends object>(options: T): T {
  const kept: Partial<T> = {};
  for (const key in options) if (options[key] !== undefined) kept[key] = options[key];
  return kept as T;
}
