import type { ObjectReader, Quotas } from '../../admission/index.ts';
import type { NamedStrategy } from '../strategy.ts';
import { admissionRegistrationStrategies } from './admission-registration/index.ts';
import { appsStrategies } from './apps.ts';
import { autoscalingStrategies } from './autoscaling/index.ts';
import { batchStrategies } from './batch/index.ts';
import { certificateStrategies } from './certificates.ts';
import { coordinationStrategies } from './coordination.ts';
import { coreStrategies } from './core-objects.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { withLoopback } from './loopback-endpoints.ts';
import { networkingStrategies } from './networking/index.ts';
import { priorityClass } from './priority-class.ts';
import { rbacStrategies } from './rbac.ts';
import { resourceStrategies } from './resource/index.ts';
import { resourceQuotaStrategy } from './resource-quota.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceStrategy } from './service.ts';
import type { Allocators } from './services/service-allocation.ts';
import { servingStrategies } from './serving/index.ts';
import { statefulSet } from './stateful-set.ts';
import { storageStrategies } from './storage/index.ts';
import { withTemplates } from './template-kinds.ts';

export interface StrategyParts {
  /** Where Services have their addresses and ports from. */
  readonly allocators: Allocators;
  readonly reader: ObjectReader;
  readonly quotas: Quotas;
  /** Whether endpoints may lie on loopback. */
  readonly loopbackEndpoints: boolean;
}

/** Fresh strategies for one registry. */
export function builtinStrategies({
  allocators,
  reader,
  quotas,
  loopbackEndpoints,
}: StrategyParts): readonly NamedStrategy[] {
  const all = [
    ...coreStrategies,
    serviceStrategy(allocators),
    resourceQuotaStrategy(quotas),
    ...appsStrategies,
    statefulSet,
    ...batchStrategies,
    ...autoscalingStrategies,
    ...networkingStrategies,
    disruptionBudget,
    ...rbacStrategies,
    ...storageStrategies,
    ...coordinationStrategies,
    priorityClass,
    runtimeClass,
    ...admissionRegistrationStrategies,
    ...certificateStrategies,
    ...servingStrategies,
    ...resourceStrategies(reader),
  ].map(withTemplates);
  return loopbackEndpoints ? all.map(withLoopback) : all;
}
