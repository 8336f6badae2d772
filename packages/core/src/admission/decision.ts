import type { FieldError, JsonPatchOperation } from '../machinery/index.ts';

type Texts = Readonly<Record<string, string>>;

/** What may be said beside yes or no. */
export interface Remarks {
  /** Shown to whoever asks, at most 120 characters each. */
  readonly warnings?: readonly string[];
  /** Noted in the audit log of the server. */
  readonly audit?: Texts;
}

/** What is wrong with one field. */
export interface WrongField {
  /** Its path, such as `spec.containers[0].image`. */
  readonly field: string;
  /** What is said after the path, for example `must not be changed`. */
  readonly message: string;
  /** Default `FieldValueInvalid`. */
  readonly type?: FieldError['type'];
}

/** What a webhook says; see `allow`, `change` and `deny`. */
export type AdmissionDecision<T> =
  | (Remarks & {
      readonly allowed: true;
      readonly object?: T;
      /** Instead of the object: what to do to what was asked about. */
      readonly patch?: readonly JsonPatchOperation[];
    })
  | (Remarks & {
      readonly allowed: false;
      readonly message: string;
      readonly reason?: string;
      readonly code?: number;
      /** What is wrong, field by field; the answer is then as that of the server's own validation. */
      readonly fields?: readonly WrongField[];
    });

/** Allows what is asked about, as it is. */
export const allow = (remarks: Remarks = {}): AdmissionDecision<never> => ({ allowed: true, ...remarks });

/** Allows the object in another form: a copy, as what a webhook is asked about belongs to nobody else. */
export const change = <T>(object: T, remarks: Remarks = {}): AdmissionDecision<T> => ({
  allowed: true,
  object,
  ...remarks,
});

/**
 * Refuses. With a message: `code` is that of the answer, default 403. With fields: the answer is 422 and names each,
 * as if the server had found them wrong.
 *
 * @example
 * deny('images come from registry.example.com')
 * deny([{ field: 'spec.storage', message: 'cannot shrink' }])
 */
export function deny(
  why: string | readonly WrongField[],
  more: Remarks & { readonly code?: number; readonly reason?: string } = {},
): AdmissionDecision<never> {
  if (typeof why === 'string') return { allowed: false, message: why, code: 403, reason: 'Forbidden', ...more };
  return { allowed: false, message: '', fields: why, code: 422, reason: 'Invalid', ...more };
}
