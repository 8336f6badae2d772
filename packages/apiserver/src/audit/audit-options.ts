import { parseDuration } from '@keelson/core/machinery';
import { z } from 'zod';

const duration = (fallback: string) =>
  z
    .string()
    .refine((text) => (parseDuration(text) ?? -1) >= 0, 'must be a duration such as 5s')
    .default(fallback)
    .transform((text) => parseDuration(text) ?? 0);

const modes = ['batch', 'blocking', 'blocking-strict'] as const;
export type AuditMode = (typeof modes)[number];

const positive = z.int().min(1);

const batch = (defaults: { readonly maxSize: number; readonly maxWait: string; readonly throttle: boolean }) =>
  z
    .strictObject({
      /** How many events wait at most; what comes beyond is lost. */
      bufferSize: positive.default(10_000),
      maxSize: positive.default(defaults.maxSize),
      maxWait: duration(defaults.maxWait),
      throttle: z.boolean().default(defaults.throttle),
      /** Batches a second. */
      throttleQps: z.number().positive().default(10),
      throttleBurst: positive.default(15),
    })
    .prefault({});

/** Bytes; absent: nothing is cut. */
const truncate = z
  .strictObject({
    maxEventSize: positive.default(100 * 1024),
    maxBatchSize: positive.default(10 * 1024 * 1024),
  })
  .optional();

/** What is taken down of requests, and where (kubernetes.io/docs/tasks/debug/debug-cluster/audit). */
export const AuditOptions = z.strictObject({
  /** A Policy of `audit.k8s.io/v1`, or the path of a file with one. */
  policy: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  log: z
    .strictObject({
      /** `-` is the standard output. */
      path: z.string().min(1),
      /** Megabytes after which a new file is begun. */
      maxSize: positive.default(100),
      /** Days after which an old file is deleted; 0: never because of its age. */
      maxAge: z.int().min(0).default(0),
      /** How many old files are kept; 0: all. */
      maxBackups: z.int().min(0).default(0),
      compress: z.boolean().default(false),
      mode: z.enum(modes).default('blocking'),
      batch: batch({ maxSize: 1, maxWait: '0s', throttle: false }),
      truncate,
    })
    .optional(),
  webhook: z
    .strictObject({
      /** A file in the form of a kubeconfig: the server to post to, and as whom. */
      kubeconfig: z.string().min(1),
      initialBackoff: duration('10s'),
      mode: z.enum(modes).default('batch'),
      batch: batch({ maxSize: 400, maxWait: '30s', throttle: true }),
      truncate,
    })
    .optional(),
});
export type AuditOptions = z.output<typeof AuditOptions>;
