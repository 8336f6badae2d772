import { z } from 'zod';

/** Options of the scheduler, as they stand in `keelson.yaml`. */
export const schedulerOptions = z.strictObject({
  /** Pods with this `spec.schedulerName` are scheduled. */
  schedulerName: z.string().min(1).default('default-scheduler'),
  /** Scheduler plugins to leave out, by name. */
  disabled: z.array(z.string()).default([]),
  /** Weights of scores, by name of plugin; 0: no score. */
  weights: z.record(z.string(), z.int().min(0).max(100)).default({}),
  /** How many of the nodes are looked at until enough fit; 0: fewer, the larger the cluster is. */
  percentageOfNodesToScore: z.int().min(0).max(100).default(0),
});
export type SchedulerOptions = z.infer<typeof schedulerOptions>;
