import { type Clock, type FieldError, type RequestOptions, StatusError } from '@keelson/core';
import type { Revision, Storage } from '../storage/contract.ts';

/** Parses the resourceVersion of a list; undefined where it is not given. Throws a 400. */
export function parseResourceVersion(text: string | undefined): Revision | undefined {
  const why = complaintAbout(text);
  if (why !== undefined) throw StatusError.badRequest(`invalid resource version: ${why}`);
  return text ? Number(text) : undefined;
}

/** Parses the resourceVersion of a get or a watch, where Kubernetes answers a bad one with a bare 500. */
export function parseReadVersion(text: string | undefined): Revision | undefined {
  const message = complaintAbout(text);
  if (message !== undefined) throw new StatusError({ status: 'Failure', message, code: 500 });
  return text ? Number(text) : undefined;
}

const largest = 2n ** 64n - 1n;

function complaintAbout(text: string | undefined): string | undefined {
  if (!text) return undefined;
  const why = /^\d+$/.test(text) ? (BigInt(text) > largest ? 'value out of range' : undefined) : 'invalid syntax';
  if (why === undefined) return undefined;
  const quoted = JSON.stringify(text);
  return `resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: ${why}`;
}

/** How long a reader waits for a revision that it has seen elsewhere. */
const longestWait = 3000;

/** Waits a little for a revision that this server has not seen yet; then throws a 504, as Kubernetes does. */
export async function waitForRevision(
  { storage, clock }: { readonly storage: Storage; readonly clock: Clock },
  asked: Revision,
  text: string | undefined,
  signal: AbortSignal | undefined,
  patient = true,
): Promise<void> {
  if (storage.currentRevision() >= asked) return;
  if (!patient) throw tooLarge(text ?? String(asked), storage, undefined);
  const tooLong = new AbortController();
  const cancel = clock.after(longestWait, () => tooLong.abort(tooLarge(text ?? String(asked), storage, 1)));
  try {
    await storage.waitFor(asked, signal ? AbortSignal.any([tooLong.signal, signal]) : tooLong.signal);
  } finally {
    cancel();
  }
}

function tooLarge(asked: string, storage: Storage, retryAfterSeconds: number | undefined): StatusError {
  return StatusError.of(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${/^\d+$/.test(asked) ? BigInt(asked) : asked}, current: ${storage.currentRevision()}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  );
}

/** Before it is known whether the match is one that there is. */
type ListOptions = Omit<RequestOptions, 'resourceVersionMatch'> & { readonly resourceVersionMatch?: string };

/** The rules of resourceVersionMatch and sendInitialEvents (kubernetes.io/docs/reference/using-api/api-concepts). Throws a 422. */
export function checkListOptions(options: ListOptions, watch: boolean): void {
  const errors = watch ? watchErrors(options) : listErrors(options);
  if (errors.length > 0) throw StatusError.invalid({ group: 'meta.k8s.io', resource: 'ListOptions' }, '', errors);
}

const forbidden = (field: string, why: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});

const unsupported = (value: unknown, supported: string): FieldError => ({
  type: 'FieldValueNotSupported',
  field: 'resourceVersionMatch',
  message: `Unsupported value: "${String(value)}": supported values: ${supported}`,
});

function listErrors(options: ListOptions): readonly FieldError[] {
  const { resourceVersionMatch: match, resourceVersion: version } = options;
  const errors: FieldError[] = [];
  if (match) {
    if (!version) {
      errors.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    }
    if (options.continue) {
      errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    }
    if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(unsupported(match, '"Exact", "NotOlderThan", ""'));
    }
    if (match === 'Exact' && version === '0') {
      errors.push(
        forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
      );
    }
  }
  if (options.sendInitialEvents !== undefined) {
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return errors;
}

function watchErrors(given: ListOptions): readonly FieldError[] {
  const options = withWatchDefaults(given);
  const { resourceVersionMatch: match } = options;
  const errors: FieldError[] = [];
  if (match) {
    if (options.sendInitialEvents === undefined) {
      const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
      errors.push(forbidden('resourceVersionMatch', why));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
      errors.push(forbidden('resourceVersionMatch', why));
    }
    if (options.continue) {
      errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
    }
  }
  if (match && match !== 'NotOlderThan') errors.push(unsupported(match, '"NotOlderThan"'));
  return errors;
}

/** A watch from the beginning that says nothing else gets the initial events, and the bookmark that ends them. */
export function withWatchDefaults<Options extends ListOptions>(options: Options): Options {
  const fromStart = !options.resourceVersion || options.resourceVersion === '0';
  if (!fromStart || options.sendInitialEvents !== undefined || options.resourceVersionMatch) return options;
  return { ...options, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
}
