import type { Clock, Logger, ResourceQuota } from '@keelson/core';
import type { Fence, Storage } from '../../storage/contract.ts';
import type { StoredObjects } from './count-usage.ts';

export interface QuotaEnvironment extends StoredObjects {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Writes the status of a quota as the server itself, if it is still at its resourceVersion and the fences stand; else
   * rejects with `Conflict`.
   */
  write(quota: ResourceQuota, fences: readonly Fence[]): Promise<void>;
}
