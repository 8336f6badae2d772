import type { Service } from '@keelson/core';
import type { NamedStrategy } from '../strategy.ts';
import { appsStrategies } from './apps.ts';
import { batchStrategies } from './batch/index.ts';
import { clusterObjectStrategies } from './cluster-objects.ts';
import { podStrategy } from './pod.ts';
import { policyObjectStrategies } from './policy-objects.ts';
import { type ServiceRanges, serviceStrategy } from './service.ts';
import { statefulSet } from './stateful-set.ts';
import { storageObjectStrategies } from './storage-objects.ts';
import { workloadStrategies } from './workloads.ts';

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
      podStrategy,
      services,
      ...workloadStrategies,
      ...appsStrategies,
      statefulSet,
      ...batchStrategies,
      ...clusterObjectStrategies,
      ...storageObjectStrategies,
      ...policyObjectStrategies,
    ],
    rememberService: (service) => services.remember(service),
  };
}
