import { type Clock, type FieldError, type RequestOptions, StatusError, sleepOn } from '@keelson/core';
import type { Revision, Storage } from '../storage/contract.ts';

/** Parses a resourceVersion of a request; undefined where it is not given. Throws a 400. */
export function parseResourceVersion(text: string | undefined): Revision | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d+$/.test(text) || text.length > 20) {
    throw StatusError.badRequest(
      `invalid resource version: resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    );
  }
  return Number(text);
}

/** A reader that has seen a revision which this store has not: waits a little, then answers 504 as Kubernetes does. */
export async function waitForRevision(
  storage: Storage,
  clock: Clock,
  asked: Revision,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = clock.now() + longestWait;
  while (storage.currentRevision() < asked) {
    if (clock.now() >= deadline) {
      throw StatusError.of(
        504,
        'Timeout',
        `Timeout: Too large resource version: ${asked}, current: ${storage.currentRevision()}`,
        {
          causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
          retryAfterSeconds: 1,
        },
      );
    }
    await sleepOn(clock, 50, signal);
  }
}
const longestWait = 3000;

/** The rules of resourceVersionMatch and sendInitialEvents (kubernetes.io/docs/reference/using-api/api-concepts). Throws a 422. */
export function checkListOptions(options: RequestOptions, watch: boolean): void {
  const errors: FieldError[] = [];
  const match = options.resourceVersionMatch;
  const given = options.resourceVersion ?? '';
  const forbid = (field: string, why: string) =>
    errors.push({ type: 'FieldValueForbidden', field, message: `Forbidden: ${why}` });
  if (options.sendInitialEvents !== undefined) {
    if (!watch) forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
    else if (match !== 'NotOlderThan') {
      forbid('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
  } else if (match !== undefined) {
    if (watch)
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    else if (given === '') {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided');
    } else if (options.continue) {
      forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
    } else if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push({
        type: 'FieldValueNotSupported',
        field: 'resourceVersionMatch',
        message: `Unsupported value: "${String(match)}": supported values: "Exact", "NotOlderThan", ""`,
      });
    } else if (match === 'Exact' && given === '0') {
      forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: 'ListOptions' }, '', errors);
}

export interface ContinueToken {
  readonly revision: Revision;
  /** The last key that was given out, below the list's prefix. */
  readonly after: string;
}

/** Opaque to clients; like Kubernetes' own, base64 of a small JSON object. */
export function formatContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.after })).toString(
    'base64url',
  );
}

export function parseContinue(text: string): ContinueToken {
  const bad = (why: string) => StatusError.badRequest(`invalid continue token: continue key is not valid: ${why}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error));
  }
  if (typeof parsed !== 'object' || parsed === null) throw bad('not an object');
  const { v, rv, start } = parsed as Readonly<Record<string, unknown>>;
  if (v !== 'meta.k8s.io/v1') throw bad(`server does not recognize this encoded version ${JSON.stringify(v ?? '')}`);
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || typeof start !== 'string' || start.includes('..')) {
    throw bad('incorrect encoded start resourceVersion');
  }
  return { revision: rv, after: start };
}
