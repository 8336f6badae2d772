import type { NamedStrategy } from '../../strategy.ts';
import { apiService } from './api-service.ts';
import { flowSchema } from './flow-schema.ts';
import { priorityLevel } from './priority-level.ts';
import { storageVersion } from './storage-version.ts';

export const servingStrategies: readonly NamedStrategy[] = [flowSchema, priorityLevel, apiService, storageVersion];
