import type { NamedStrategy } from '../../strategy.ts';
import { cronJob } from './cron-job.ts';
import { job } from './job.ts';

export const batchStrategies: readonly NamedStrategy[] = [job, cronJob];
