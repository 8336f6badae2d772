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

/**
 * An amount as Kubernetes writes it, for what is not negative: `500m`, `1.5`, `10Gi`. Rules in CEL compare it as
 * `quantity(self)`, code by `compareQuantity`.
 *
 * @example
 * storage: withRules(quantity, { rule: 'quantity(self).compareTo(quantity(oldSelf)) >= 0', message: 'must not shrink' })
 */
export const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?([KMGTPE]i|[numkMGTPE])?$/);
