import {
  deepEqual,
  validateAnnotations,
  validateLabels,
  validateLabelValue,
  validateQualifiedName,
} from '@keelson/core';
import type { ObjectReader } from '../../../admission/index.ts';
import { forgetHollow } from '../../../schema/index.ts';
import type { Draft } from '../../draft.ts';
import { type NamedStrategy, strategyFor } from '../../strategy.ts';
import { forbidOtherMetadata } from '../claim-validation.ts';
import { checkConditions } from '../conditions.ts';
import { goValue } from '../go-value.ts';
import { declaredName } from '../name-checks.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { checkAdminAccess, checkAdminStatus } from './admin-access.ts';
import { checkClaimSpec } from './claim-spec.ts';
import { checkClaimStatus } from './claim-status.ts';
import { checkConfig, checkDriver, checkList, checkName, checkPool, checkSelectors } from './device-checks.ts';
import { slice } from './slice.ts';
import {
  type ClaimSpec,
  type ClaimStatus,
  deviceClass,
  deviceTaintRule,
  resourceClaim,
  resourceClaimTemplate,
  type Toleration,
} from './types.ts';

const api = 'io.k8s.api.resource.v1.';

function defaultTolerations({ tolerations }: { tolerations?: Draft<Toleration>[] }): void {
  for (const each of tolerations ?? []) each.operator ??= 'Equal';
}

function defaultClaim(spec: Draft<ClaimSpec> | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    for (const each of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      each.allocationMode ??= 'ExactCount';
      if (each.allocationMode === 'ExactCount') each.count ??= 1;
      defaultTolerations(each);
    }
  }
}

/** Tolerations of taints, shared capacity and what must differ are of alpha gates that are off by default. */
function dropGated(spec: Draft<ClaimSpec> | undefined): void {
  for (const { exactly, firstAvailable } of spec?.devices?.requests ?? []) {
    for (const each of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      delete each.tolerations;
      forgetHollow(each, 'tolerations');
      delete each.capacity;
    }
  }
  for (const each of spec?.devices?.constraints ?? []) delete each.distinctAttribute;
}

/** Of gates that are shut: shared capacity and conditions before a pod is bound. */
function dropGatedStatus(status: Draft<ClaimStatus> | undefined): void {
  for (const each of status?.allocation?.devices?.results ?? []) {
    delete each.shareID;
    delete each.consumedCapacity;
    delete each.bindingConditions;
    delete each.bindingFailureConditions;
  }
  for (const each of status?.devices ?? []) delete each.shareID;
}

export function resourceStrategies(reader: ObjectReader): readonly NamedStrategy[] {
  return [
    strategyFor(deviceClass, {
      nameRule: declaredName,
      freePrefix: true,
      generation: 'spec',
      prepareCreate: ({ spec }) => void (spec && delete spec.extendedResourceName),
      prepareUpdate: ({ spec }) => void (spec && delete spec.extendedResourceName),
      validate({ spec }, errors) {
        checkSelectors(spec?.selectors, 'spec.selectors', errors);
        checkList(spec?.config, 'spec.config', errors, { most: 32 }, (each, at) => {
          checkConfig(each, at, errors);
        });
      },
    }),
    strategyFor(resourceClaim, {
      defaults({ spec, status }) {
        defaultClaim(spec);
        for (const each of status?.allocation?.devices?.results ?? []) defaultTolerations(each);
      },
      prepareCreate(object) {
        dropGated(object.spec);
      },
      async reserve({ spec, metadata }, old, errors) {
        if (!old) await checkAdminAccess(spec, metadata.namespace, reader, errors);
        return undefined;
      },
      prepareUpdate: ({ spec }) => dropGated(spec),
      prepareStatusUpdate(object, old) {
        resetMetadata(object, old);
        dropGatedStatus(object.status);
      },
      askBeforeStatus: ({ status, metadata }, old, errors) =>
        checkAdminStatus(status, old.status, metadata.namespace, reader, errors),
      validate({ spec }, errors, old) {
        if (!old) checkClaimSpec(spec, 'spec', errors);
      },
      validateUpdate({ spec }, { spec: old }, errors) {
        if (!deepEqual(spec, old))
          errors.invalid('spec', goValue(`${api}ResourceClaimSpec`, spec ?? {}), 'field is immutable');
        else checkClaimSpec(spec, 'spec', errors);
      },
      validateStatusUpdate: checkClaimStatus,
    }),
    strategyFor(resourceClaimTemplate, {
      defaults: ({ spec }) => defaultClaim(spec?.spec),
      prepareCreate: ({ spec }) => dropGated(spec?.spec),
      async reserve({ spec, metadata }, old, errors) {
        if (!old) await checkAdminAccess(spec?.spec, metadata.namespace, reader, errors);
        return undefined;
      },
      prepareUpdate: ({ spec }) => dropGated(spec?.spec),
      validate({ spec }, errors) {
        const { labels, annotations } = spec?.metadata ?? {};
        errors.list.push(...validateAnnotations(annotations, 'spec.metadata.annotations'));
        errors.list.push(...validateLabels(labels, 'spec.metadata.labels'));
        if (spec?.metadata) forbidOtherMetadata(spec.metadata, 'spec.metadata', errors);
        checkClaimSpec(spec?.spec, 'spec.spec', errors);
      },
      validateUpdate({ spec }, { spec: old }, errors) {
        if (!deepEqual(spec, old)) {
          errors.invalid('spec', goValue(`${api}ResourceClaimTemplateSpec`, spec ?? {}), 'field is immutable');
        }
      },
    }),
    slice,
    strategyFor(deviceTaintRule, {
      generation: 'spec',
      defaults(object, now) {
        if (object.spec?.taint) object.spec.taint.timeAdded ??= now();
      },
      prepareStatusUpdate: (object, old) => resetMetadata(object, old),
      validate({ spec }, errors) {
        const { driver, pool, device } = spec?.deviceSelector ?? {};
        const at = 'spec.deviceSelector';
        if (driver !== undefined) checkDriver(driver, `${at}.driver`, errors);
        if (pool !== undefined) checkPool(pool, `${at}.pool`, errors);
        if (device !== undefined) checkName(device, `${at}.device`, errors);
        const { key = '', value = '', effect = '' } = spec?.taint ?? {};
        errors.rule('spec.taint.key', key, validateQualifiedName(key));
        if (value !== '') errors.rule('spec.taint.value', value, validateLabelValue(value));
        const effects = ['NoExecute', 'NoSchedule', 'None'];
        if (effect === '') errors.required('spec.taint.effect');
        else if (!effects.includes(effect)) errors.notSupported('spec.taint.effect', effect, effects);
      },
      validateStatusUpdate: ({ status }, _old, errors) =>
        checkConditions(status?.conditions, 'status.conditions', errors),
    }),
  ];
}
