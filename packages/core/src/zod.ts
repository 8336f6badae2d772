import { z } from 'zod';
import { mapList } from './crd/list-types.ts';

/** One of `status.conditions`, as Kubernetes writes them (`metav1.Condition`). */
export const condition = z.object({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().min(1).max(1024),
  message: z.string().max(32768),
  observedGeneration: z.int().min(0).optional(),
  lastTransitionTime: z.iso.datetime(),
});

/**
 * For the status of a resource: what `setCondition` and the condition `Ready` of an operator's dependents are written to.
 *
 * @example
 * status: z.object({ ready: z.int(), conditions })
 */
export const conditions = mapList(condition, 'type');
