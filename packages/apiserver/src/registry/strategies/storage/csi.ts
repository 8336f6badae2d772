import {
  CSIDriver,
  CSINode,
  type CSINodeDriver,
  CSIStorageCapacity,
  compareQuantity,
  deepEqual,
  validateDnsSubdomain,
  validateLabelSelector,
  validateQualifiedName,
} from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';
import { checkNonNegative } from '../checks.ts';
import { goValue, shownSelector } from '../go-value.ts';

export function checkDriverName(name: string, at: string, errors: FieldErrors): void {
  if (name === '') {
    errors.required(at);
    return;
  }
  if (name.length > 63) errors.tooLong(at, 63);
  errors.rule(at, name, validateDnsSubdomain(name.toLowerCase()));
}

type Spec = CSIDriver['spec'];

function checkDriverSpec(spec: Spec, errors: FieldErrors): void {
  const required = (field: 'attachRequired' | 'podInfoOnMount' | 'storageCapacity') => {
    if (spec[field] === undefined) errors.required(`spec.${field}`);
  };
  required('attachRequired');
  required('podInfoOnMount');
  required('storageCapacity');
  const policy = spec.fsGroupPolicy;
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if (policy === undefined) errors.required('spec.fsGroupPolicy');
  else if (!policies.includes(policy)) errors.notSupported('spec.fsGroupPolicy', policy, policies);
  checkTokens(spec, errors);
  (spec.volumeLifecycleModes ?? []).forEach((mode) => {
    if (mode !== 'Persistent' && mode !== 'Ephemeral') {
      errors.notSupported('spec.volumeLifecycleModes', mode, ['Persistent', 'Ephemeral']);
    }
  });
  if (spec.seLinuxMount === undefined) errors.required('spec.seLinuxMount');
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < 10) {
    errors.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds');
  }
  if (spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length) {
    errors.invalid(
      'spec.serviceAccountTokenInSecrets',
      spec.serviceAccountTokenInSecrets,
      'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    );
  }
}

function checkTokens({ tokenRequests = [] }: Spec, errors: FieldErrors): void {
  const seen = new Set<string>();
  tokenRequests.forEach(({ audience = '', expirationSeconds }, index) => {
    const at = `spec.tokenRequests[${index}]`;
    if (seen.has(audience)) {
      errors.duplicate(`${at}.audience`, audience);
      return;
    }
    seen.add(audience);
    if (expirationSeconds === undefined) return;
    if (expirationSeconds < 600) {
      errors.invalid(`${at}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes');
    }
    if (expirationSeconds > 4294967296) {
      errors.invalid(
        `${at}.expirationSeconds`,
        expirationSeconds,
        'may not specify a duration larger than 2^32 seconds',
      );
    }
  });
}

const csiDriver = strategyFor(CSIDriver, {
  unconditionalUpdate: false,
  defaults({ spec }) {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepareUpdate(object, old) {
    const fields = [
      'storageCapacity',
      'tokenRequests',
      'podInfoOnMount',
      'fsGroupPolicy',
      'requiresRepublish',
    ] as const;
    const more = ['seLinuxMount', 'nodeAllocatableUpdatePeriodSeconds', 'serviceAccountTokenInSecrets'] as const;
    const changed = [...fields, ...more].some((each) => !deepEqual(object.spec[each], old.spec[each]));
    if (changed) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
  },
  validate({ spec }, errors, old) {
    if (old) return;
    checkDriverSpec(spec, errors);
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    checkDriverSpec(spec, errors);
    if (spec.attachRequired !== old.attachRequired) {
      errors.invalid('spec.attachedRequired', spec.attachRequired ?? null, 'field is immutable');
    }
    if (!deepEqual(spec.volumeLifecycleModes, old.volumeLifecycleModes)) {
      errors.invalid('spec.volumeLifecycleModes', spec.volumeLifecycleModes ?? null, 'field is immutable');
    }
  },
  warnings({ spec }, old) {
    if (!spec.tokenRequests?.length || spec.serviceAccountTokenInSecrets !== undefined) return [];
    return old && deepEqual(spec.tokenRequests, old.spec.tokenRequests) ? [] : [unset];
  },
});

function checkNodeDriver(driver: CSINodeDriver, at: string, errors: FieldErrors): void {
  const { name = '', nodeID = '', topologyKeys = [], allocatable } = driver;
  checkDriverName(name, `${at}.name`, errors);
  if (nodeID === '') errors.required(`${at}.nodeID`, nodeID);
  if (nodeID.length > 256) errors.invalid(`${at}.nodeID`, nodeID, 'must be 256 characters or less');
  if (allocatable?.count !== undefined) checkNonNegative(`${at}.allocatable.count`, allocatable.count, errors);
  const seen = new Set<string>();
  (topologyKeys ?? []).forEach((key) => {
    if (key === '') errors.required(at, key);
    if (seen.has(key)) errors.duplicate(at, key);
    else seen.add(key);
    errors.rule(at, key, validateQualifiedName(key));
  });
}

function checkNodeDrivers(drivers: readonly CSINodeDriver[] | null | undefined, errors: FieldErrors): void {
  const names = new Set<string>();
  (drivers ?? []).forEach((driver, index) => {
    const at = `spec.drivers[${index}]`;
    checkNodeDriver(driver, at, errors);
    const { name = '' } = driver;
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
  });
}

const unset =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

const csiNode = strategyFor(CSINode, {
  unconditionalUpdate: false,
  validate: ({ spec }, errors) => checkNodeDrivers(spec?.drivers, errors),
  validateUpdate({ spec }, { spec: old }, errors) {
    checkNodeDrivers(spec?.drivers, errors);
    (old?.drivers ?? []).forEach((before) => {
      (spec?.drivers ?? []).forEach((driver) => {
        const { allocatable: _was, ...rest } = before;
        const { allocatable: _is, ...now } = driver;
        if (before.name !== driver.name || deepEqual(rest, now)) return;
        errors.invalid('spec.drivers', goValue('io.k8s.api.storage.v1.CSINodeDriver', now), 'field is immutable');
      });
    });
  },
});

const capacity = strategyFor(CSIStorageCapacity, {
  unconditionalUpdate: false,
  validate(object, errors) {
    const { nodeTopology, storageClassName = '' } = object;
    if (nodeTopology) errors.list.push(...validateLabelSelector(nodeTopology, 'nodeTopology'));
    errors.rule('storageClassName', storageClassName, validateDnsSubdomain(storageClassName));
    const { capacity: amount } = object;
    if (amount !== undefined && compareQuantity(amount, '0') < 0) {
      errors.invalid('capacity', amount, 'must be greater than or equal to 0');
    }
  },
  validateUpdate(object, old, errors) {
    if (!deepEqual(object.nodeTopology, old.nodeTopology)) {
      errors.invalid('nodeTopology', shownSelector(object.nodeTopology ?? null), 'field is immutable');
    }
    if (object.storageClassName !== old.storageClassName) {
      errors.invalid('storageClassName', object.storageClassName ?? '', 'field is immutable');
    }
  },
});

export const csiStrategies: readonly NamedStrategy[] = [csiDriver, csiNode, capacity];
