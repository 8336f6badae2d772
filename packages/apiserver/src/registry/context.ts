import type { Clock, Logger, Random } from '@keelson/core';
import type { AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionMetrics } from '../admission/admission-metrics.ts';
import type { Storage, WriteOptions } from '../storage/contract.ts';
import type { KindCatalog } from './catalog.ts';
import type { Authorizer } from './contract.ts';
import type { EventHub } from './event-hub.ts';
import type { Kind } from './kind.ts';
import type { ObjectForms } from './object-forms.ts';
import type { DecodeCache } from './stored-object.ts';
import type { WriteGuard } from './write-guard.ts';

/** What the parts of the registry share. */
export interface RegistryContext {
  readonly storage: Storage;
  readonly cache: DecodeCache;
  readonly hub: EventHub;
  readonly catalog: KindCatalog;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly authorizer: Authorizer;
  /** How objects of a kind are stored: Events go by themselves. */
  writeOptions(kind: Kind): WriteOptions | undefined;
  /** In the order in which they run. Filled before the first request. */
  readonly admission: readonly AdmissionPlugin[];
  readonly guard?: WriteGuard | undefined;
  readonly metrics: AdmissionMetrics;
  readonly forms: ObjectForms;
}
