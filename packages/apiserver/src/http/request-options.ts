import { type PatchType, type RequestOptions, StatusError, type Verb } from '@keelson/core';
import { Deletion, defined, deleteOptions } from '../registry/delete-options.ts';
import { checkRequestOptions, isFieldValidation } from '../registry/request-options.ts';
import { checkListOptions } from '../registry/resource-version.ts';
import { checkSelectorSyntax } from '../registry/selection.ts';
import { isTrue } from './request-info.ts';

const integer = /^[+-]?\d+$/;
const fitsInt64 = (value: bigint) => BigInt.asIntN(64, value) === value;

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
    const value = this.#query.get(name);
    if (value === null) return undefined;
    const isInteger = integer.test(value);
    if (isInteger && (value.length < 16 || fitsInt64(BigInt(value.replace('+', ''))))) return Number(value);
    const why = isInteger ? 'value out of range' : 'invalid syntax';
    throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
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
    timeoutSeconds: query.number('timeoutSeconds'),
    limit: query.number('limit'),
    continue: query.text('continue'),
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

function deletionIn(query: Query): Deletion {
  return {
    gracePeriodSeconds: query.number('gracePeriodSeconds'),
    orphanDependents: query.flag('orphanDependents'),
    propagationPolicy: query.all('propagationPolicy')[0],
    dryRun: [...query.all('dryRun')],
    ignoreStoreReadErrorWithClusterBreakingPotential: query.flag('ignoreStoreReadErrorWithClusterBreakingPotential'),
  };
}

/** Reads the body of a DELETE, decoded as `DeleteOptions`. */
export function parseDeleteOptions(body: unknown): RequestOptions {
  return deleteOptions(Deletion.parse(body));
}
