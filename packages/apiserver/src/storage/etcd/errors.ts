import { status } from '@grpc/grpc-js';
import { StorageError, StorageUnavailableError } from '../contract.ts';

/** etcd says no, for good. */
export class EtcdRefusedError extends StorageError {
  override readonly name = 'EtcdRefusedError';
}

export type Failure =
  | { readonly type: 'compacted' | 'future' | 'credentials' | 'no-lease' }
  /** `sent`: whether the request may have reached etcd. */
  | { readonly type: 'unavailable'; readonly sent: boolean }
  | { readonly type: 'refused' };

/** Failures that come before a request has left: another endpoint may be asked without a second thought. */
const neverSent =
  /no connection established|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|name resolution failed|no leader/i;

/** What an error of a gRPC call means. The texts are those of etcd's public error list (rpctypes). */
export function failureOf(error: unknown): Failure {
  const { code, text } = partsOf(error);
  if (text.includes('required revision has been compacted')) return { type: 'compacted' };
  if (text.includes('required revision is a future revision')) return { type: 'future' };
  if (text.includes('requested lease not found')) return { type: 'no-lease' };
  if (code === status.UNAUTHENTICATED || /invalid auth token|revision of auth store is old/.test(text)) {
    return { type: 'credentials' };
  }
  switch (code) {
    case status.UNAVAILABLE:
      return { type: 'unavailable', sent: !neverSent.test(text) };
    case status.DEADLINE_EXCEEDED:
    case status.CANCELLED:
    case status.ABORTED:
    case status.INTERNAL:
    case status.UNKNOWN:
      return { type: 'unavailable', sent: true };
    default:
      return { type: 'refused' };
  }
}

export function isTimeout(error: unknown): boolean {
  return partsOf(error).code === status.DEADLINE_EXCEEDED;
}

/** The error of the storage contract for what cannot be mended by asking again. */
export function storageErrorOf(error: unknown, outcome: 'none' | 'unknown'): StorageError {
  if (error instanceof StorageError) return error;
  const { text } = partsOf(error);
  const failure = failureOf(error);
  if (failure.type !== 'unavailable') return new EtcdRefusedError(`etcd: ${text}`, { cause: error });
  return new StorageUnavailableError(`etcd: ${text}`, outcome, { cause: error, timeout: isTimeout(error) });
}

function partsOf(error: unknown): { readonly code: number | undefined; readonly text: string } {
  if (!(error instanceof Error)) return { code: undefined, text: String(error) };
  const code = 'code' in error && typeof error.code === 'number' ? error.code : undefined;
  const text = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
  return { code, text };
}
