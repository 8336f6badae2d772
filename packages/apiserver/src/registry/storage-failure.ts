import { StatusError } from '@keelson/core';
import {
  EncryptionFailedError,
  StorageError,
  StorageUnavailableError,
  UnreadableEntryError,
} from '../storage/contract.ts';

/**
 * What clients are told of a store that fails. A write whose outcome is unknown gets a 500 or 504, never an answer from
 * which a client could conclude that it did not happen.
 */
export function asStatusError(error: unknown): unknown {
  if (error instanceof StorageUnavailableError && error.timeout) {
    return StatusError.of(
      504,
      'Timeout',
      'Timeout: request did not complete within requested timeout - context deadline exceeded',
      {},
    );
  }
  if (error instanceof UnreadableEntryError || error instanceof EncryptionFailedError) {
    return StatusError.internal(error.message);
  }
  // A bare 500, as the API server of Kubernetes passes on what etcd said.
  if (error instanceof StorageError) return new StatusError({ status: 'Failure', message: error.message, code: 500 });
  return error;
}
