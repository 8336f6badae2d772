import type { Service } from '@keelson/core';
import type { NamedStrategy } from '../strategy.ts';
import { admissionRegistrationStrategies } from './admission-registration/index.ts';
import { appsStrategies } from './apps.ts';
import { autoscalingStrategies } from './autoscaling/index.ts';
import { batchStrategies } from './batch/index.ts';
import { certificateStrategies } from './certificates.ts';
import { coordinationStrategies } from './coordination.ts';
import { coreStrategies } from './core-objects.ts';
import { disruptionBudget } from './disruption-budget.ts';
import { networkingStrategies } from './networking/index.ts';
import { priorityClass } from './priority-class.ts';
import { rbacStrategies } from './rbac.ts';
import { resourceStrategies } from './resource/index.ts';
import { runtimeClass } from './runtime-class.ts';
import { type ServiceRanges, serviceStrategy } from './service.ts';
import { servingStrategies } from './serving/index.ts';
import { statefulSet } from './stateful-set.ts';
import { storageStrategies } from './storage/index.ts';

export type { ServiceRanges } from './service.ts';

export interface BuiltinStrategies {
  readonly all: readonly NamedStrategy[];
  /** Tells the allocators of a Service that was stored before this process began. */
  rememberService(service: Service): void;
}

/** Fresh strategies for one registry: that of Services remembers which addresses and ports are taken. */
export function builtinStrategies(ranges: ServiceRanges): BuiltinStrategies {
  const services = serviceStrategy(ranges);
  return {
    all: [
      ...coreStrategies,
      services,
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
      ...admissionRegistrationStrategies(),
      ...certificateStrategies,
      ...servingStrategies,
      ...resourceStrategies(),
    ],
    rememberService: (service) => services.remember(service),
  };
}
