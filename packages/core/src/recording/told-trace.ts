import { z } from 'zod';
import type { ReconcileTrace } from '../controller/index.ts';

const common = { watch: z.string(), at: z.number() };

const cause = z.union([
  z.object({
    ...common,
    type: z.enum(['added', 'updated', 'deleted']),
    kind: z.string(),
    object: z.string(),
    cluster: z.string().exactOptional(),
    resourceVersion: z.string().exactOptional(),
    writtenBy: z.number().exactOptional(),
  }),
  z.object({ ...common, type: z.literal('signal') }),
  z.object({ type: z.enum(['retry', 'requeueAfter']), at: z.number() }),
]);

const read = z.object({
  kind: z.string(),
  key: z.string(),
  from: z.enum(['cache', 'server']),
  at: z.number(),
  tookMs: z.number().exactOptional(),
  error: z.string().exactOptional(),
  line: z.string().exactOptional(),
});

const write = z.object({
  verb: z.string(),
  kind: z.string(),
  key: z.string(),
  cluster: z.string().exactOptional(),
  at: z.number(),
  tookMs: z.number(),
  resourceVersion: z.string().exactOptional(),
  noOp: z.literal(true).exactOptional(),
  changes: z.array(z.string()).exactOptional(),
  line: z.string().exactOptional(),
  error: z.string().exactOptional(),
});

/** A trace as lines of JSON tell it, at `/debug/traces` and in recordings. What newer operators add is left out. */
export const toldTrace: z.ZodType<ReconcileTrace> = z.object({
  id: z.number(),
  controller: z.string(),
  key: z.string(),
  causes: z.array(cause),
  moreCauses: z.number(),
  priority: z.enum(['high', 'normal', 'low']),
  addedAt: z.number(),
  startedAt: z.number(),
  caughtUpMs: z.number(),
  endedAt: z.number(),
  reads: z.array(read),
  writes: z.array(write),
  echoes: z.number(),
  outcome: z.enum(['success', 'requeueAfter', 'error', 'terminal', 'timeout', 'aborted']),
  error: z.string().exactOptional(),
  failures: z.number(),
});
