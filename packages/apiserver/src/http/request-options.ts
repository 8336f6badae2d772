import { type RequestOptions, StatusError } from '@keelson/core';
import { z } from 'zod';
import { isTrue } from './request-info.ts';

const integer = /^[+-]?\d+$/;

/** Reads the query string into options. Rejects with 400 for a number or boolean that is none. */
export function parseQueryOptions(query: URLSearchParams): RequestOptions {
  const text = (name: string) => query.get(name) || undefined;
  const number = (name: string) => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (integer.test(value)) return Number(value);
    throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  };
  const flag = (name: string) => {
    const value = query.get(name);
    return value === null ? undefined : isTrue(value);
  };
  const preconditions = {
    ...(text('preconditions.uid') && { uid: text('preconditions.uid') }),
    ...(text('preconditions.resourceVersion') && { resourceVersion: text('preconditions.resourceVersion') }),
  };
  const orphan = query.get('orphanDependents');
  const dryRun = query.getAll('dryRun').filter((each) => each !== '');
  return defined({
    resourceVersion: text('resourceVersion'),
    resourceVersionMatch: oneOf(
      text('resourceVersionMatch'),
      ['Exact', 'NotOlderThan'],
      'ListOptions',
      'resourceVersionMatch',
    ),
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    limit: number('limit'),
    continue: text('continue'),
    timeoutSeconds: number('timeoutSeconds'),
    allowWatchBookmarks: flag('allowWatchBookmarks'),
    sendInitialEvents: flag('sendInitialEvents'),
    dryRun: dryRun.length > 0 ? checkedDryRun(dryRun) : undefined,
    fieldManager: text('fieldManager'),
    fieldValidation: oneOf(text('fieldValidation'), ['Ignore', 'Strict', 'Warn'], 'CreateOptions', 'fieldValidation'),
    force: flag('force'),
    propagationPolicy:
      oneOf(text('propagationPolicy'), ['Foreground', 'Background', 'Orphan'], 'DeleteOptions', 'propagationPolicy') ??
      (orphan === null ? undefined : isTrue(orphan) ? 'Orphan' : 'Background'),
    gracePeriodSeconds: number('gracePeriodSeconds'),
    preconditions: Object.keys(preconditions).length > 0 ? preconditions : undefined,
  });
}

const DeleteOptions = z.object({
  gracePeriodSeconds: z.number().int().nullish(),
  preconditions: z.object({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  orphanDependents: z.boolean().nullish(),
  propagationPolicy: z.string().nullish(),
  dryRun: z.array(z.string()).nullish(),
});

/** Reads the body of a DELETE; an empty one says nothing. What the body says goes before the query. */
export function parseDeleteOptions(body: unknown): RequestOptions {
  if (body === undefined) return {};
  const parsed = DeleteOptions.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw StatusError.badRequest(`DeleteOptions.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  const { gracePeriodSeconds, preconditions, orphanDependents, propagationPolicy, dryRun } = parsed.data;
  return defined({
    gracePeriodSeconds: gracePeriodSeconds ?? undefined,
    preconditions: preconditions
      ? defined({ uid: preconditions.uid ?? undefined, resourceVersion: preconditions.resourceVersion ?? undefined })
      : undefined,
    propagationPolicy:
      oneOf(
        propagationPolicy ?? undefined,
        ['Foreground', 'Background', 'Orphan'],
        'DeleteOptions',
        'propagationPolicy',
      ) ?? (orphanDependents == null ? undefined : orphanDependents ? 'Orphan' : 'Background'),
    dryRun: dryRun?.length ? checkedDryRun(dryRun) : undefined,
  });
}

function checkedDryRun(values: readonly string[]): readonly string[] {
  for (const value of values) oneOf(value, ['All'], 'CreateOptions', 'dryRun');
  return values;
}

function oneOf<const T extends string>(
  value: string | undefined,
  allowed: readonly T[],
  kind: string,
  field: string,
): T | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((each) => each === value);
  if (found !== undefined) return found;
  const choices = field === 'fieldValidation' ? ['', ...allowed] : allowed;
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${choices.map((each) => JSON.stringify(each)).join(', ')}`;
  throw StatusError.invalid({ group: 'meta.k8s.io', resource: kind }, '', [
    { type: 'FieldValueNotSupported', field, message },
  ]);
}

/** Leaves out what is undefined. */
function defined<T extends object>(options: T): T {
  const kept: Partial<T> = {};
  for (const key in options) if (options[key] !== undefined) kept[key] = options[key];
  return kept as T;
}
