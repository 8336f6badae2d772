import { Service, validateDns1035Label } from '@keelson/core';
import { type NamedStrategy, strategyFor } from '../strategy.ts';
import {
  serviceWarnings,
  validateService,
  validateServiceStatus,
  validateServiceUpdate,
} from './service-validation.ts';
import { type Allocators, allocate, releaseAll } from './services/service-allocation.ts';
import { defaultService, dropOfOldType, keepGiven, settleClusterIps } from './services/service-defaults.ts';

/** Services; their addresses and ports come from `allocators`. */
export function serviceStrategy(allocators: Allocators): NamedStrategy {
  return strategyFor(Service, {
    createOnUpdate: true,
    nameRule: validateDns1035Label,
    defaults: defaultService,
    prepareCreate(service) {
      settleClusterIps(service, undefined);
      if (service.spec?.type === 'ExternalName') delete service.spec.internalTrafficPolicy;
    },
    prepareUpdate(service, old) {
      keepGiven(service, old);
      settleClusterIps(service, old);
      dropOfOldType(service, old);
    },
    validate(service, errors, old) {
      if (old) validateServiceUpdate(service, old, errors);
      validateService(service, errors, old);
    },
    validateStatusUpdate: validateServiceStatus,
    warnings: serviceWarnings,
    reserve: (service, old, _errors, { dryRun }) => allocate(service, old, allocators, dryRun),
    released: (service) => releaseAll(service, allocators),
  });
}
