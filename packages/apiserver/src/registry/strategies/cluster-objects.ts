import {
  ConfigMap,
  deepEqual,
  EndpointSlice,
  Endpoints,
  Event,
  Lease,
  LimitRange,
  Namespace,
  Node,
  PriorityClass,
  ResourceQuota,
  RuntimeClass,
  Secret,
  ServiceAccount,
  validateConfigMapKey,
  validateDnsLabel,
  wellKnown,
} from '@keelson/core';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkIp, checkOneOf, checkPort } from './checks.ts';

const largestData = 1024 * 1024;

function validateKeys(data: Readonly<Record<string, string>> | undefined, at: string, errors: FieldErrors): number {
  let size = 0;
  for (const [key, value] of Object.entries(data ?? {})) {
    errors.rule(`${at}[${key}]`, key, validateConfigMapKey(key));
    size += value.length;
  }
  return size;
}

function frozenWhenImmutable(
  object: ConfigMap | Secret,
  old: ConfigMap | Secret,
  fields: readonly ('data' | 'binaryData')[],
  errors: FieldErrors,
): void {
  if (old.immutable !== true) return;
  if (object.immutable !== true) errors.forbidden('immutable', 'field is immutable when `immutable` is set');
  for (const field of fields) {
    if (!deepEqual(Reflect.get(object, field), Reflect.get(old, field))) {
      errors.forbidden(field, 'field is immutable when `immutable` is set');
    }
  }
}

const configMap = strategyFor(ConfigMap, {
  validate(object, errors) {
    for (const key of Object.keys(object.binaryData ?? {})) {
      if (key in (object.data ?? {})) errors.invalid(`binaryData[${key}]`, key, 'duplicate of key present in data');
    }
    const size = validateKeys(object.data, 'data', errors) + validateKeys(object.binaryData, 'binaryData', errors);
    if (size > largestData) errors.tooLong('', largestData);
  },
  validateUpdate: (object, old, errors) => frozenWhenImmutable(object, old, ['data', 'binaryData'], errors),
});

/** Keys that a Secret of a type must have. */
const secretKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

const secret = strategyFor(Secret, {
  defaults(object) {
    object.type ||= 'Opaque';
    if (!object.stringData) return;
    const data = { ...object.data };
    for (const [key, value] of Object.entries(object.stringData)) data[key] = Buffer.from(value).toString('base64');
    object.data = data;
    delete object.stringData;
  },
  validate(object, errors) {
    validateKeys(object.data, 'data', errors);
    for (const key of secretKeys[object.type ?? ''] ?? []) {
      if (object.data?.[key] === undefined) errors.required(`data[${key}]`);
    }
    if (object.type === 'kubernetes.io/basic-auth' && !object.data?.['username'] && !object.data?.['password']) {
      errors.required('data[username]');
      errors.required('data[password]');
    }
    if (object.type === 'kubernetes.io/service-account-token') {
      const account = 'kubernetes.io/service-account.name';
      if (!object.metadata.annotations?.[account]) errors.required(`metadata.annotations[${account}]`);
    }
  },
  validateUpdate(object, old, errors) {
    if (object.type !== old.type) errors.invalid('type', object.type, 'field is immutable');
    frozenWhenImmutable(object, old, ['data'], errors);
  },
});

const namespace = strategyFor(Namespace, {
  nameRule: validateDnsLabel,
  defaults(object) {
    if (!object.metadata.name) return;
    object.metadata.labels = {
      ...object.metadata.labels,
      [wellKnown.namespaceNameLabel]: object.metadata.name,
    };
  },
  prepareCreate(object) {
    object.status = { phase: 'Active' };
    object.spec = { finalizers: [wellKnown.kubernetesFinalizer] };
    object.metadata.labels = { ...object.metadata.labels, [wellKnown.namespaceNameLabel]: object.metadata.name };
  },
  prepareUpdate(object, old) {
    object.spec = { finalizers: [...(old.spec?.finalizers ?? [])] };
  },
});

const node = strategyFor(Node, {
  keepsStatusOnCreate: true,
  validate({ spec }, errors) {
    (spec?.taints ?? []).forEach((taint, index) => {
      const at = `spec.taints[${index}]`;
      checkOneOf(`${at}.effect`, taint.effect ?? '', ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], errors);
      if (spec?.taints?.findIndex((each) => each.key === taint.key && each.effect === taint.effect) !== index) {
        errors.duplicate(`spec.taints[${index}]`, taint);
      }
    });
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (old?.podCIDR && spec?.podCIDR !== old.podCIDR) {
      errors.forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
    }
    if (old?.providerID && spec?.providerID !== old.providerID) {
      errors.forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
    }
  },
});

const serviceAccount = strategyFor(ServiceAccount, {});

const endpoints = strategyFor(Endpoints, {
  createOnUpdate: true,
  defaults(object) {
    for (const subset of object.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  prepareCreate: (_object, { warn }) =>
    warn('v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'),
  prepareUpdate: (_object, _old, { warn }) =>
    warn('v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'),
  validate(object, errors) {
    (object.subsets ?? []).forEach((subset, index) => {
      const at = `subsets[${index}]`;
      (subset.addresses ?? []).forEach((each, at2) => void checkIp(`${at}.addresses[${at2}].ip`, each.ip, errors));
      (subset.ports ?? []).forEach((each, at2) => void checkPort(`${at}.ports[${at2}].port`, each.port, errors));
    });
  },
});

const endpointSlice = strategyFor(EndpointSlice, {
  generation: 'spec',
  defaults(object) {
    for (const port of object.ports ?? []) {
      port.name ??= '';
      port.protocol ||= 'TCP';
    }
  },
  validate(object, errors) {
    if (!object.addressType) errors.required('addressType');
    else checkOneOf('addressType', object.addressType, ['IPv4', 'IPv6', 'FQDN'], errors);
    const names = new Set<string>();
    (object.ports ?? []).forEach((port, index) => {
      if (names.has(port.name ?? '')) errors.duplicate(`ports[${index}].name`, port.name ?? '');
      names.add(port.name ?? '');
    });
    (object.endpoints ?? []).forEach((each, index) => {
      if (!each.addresses?.length) errors.required(`endpoints[${index}].addresses`, 'must contain at least 1 address');
      if (object.addressType === 'FQDN') return;
      (each.addresses ?? []).forEach(
        (address, at) => void checkIp(`endpoints[${index}].addresses[${at}]`, address, errors),
      );
    });
  },
  validateUpdate(object, old, errors) {
    if (object.addressType !== old.addressType) errors.invalid('addressType', object.addressType, 'field is immutable');
  },
});

const event = strategyFor(Event, {
  createOnUpdate: true,
  validate(object, errors) {
    const own = object.metadata.namespace;
    const about = object.involvedObject?.namespace ?? '';
    const cluster = about === '' && (own === 'default' || own === 'kube-system');
    if (own !== about && !cluster) errors.invalid('involvedObject.namespace', about, 'does not match event.namespace');
  },
});

const lease = strategyFor(Lease, { createOnUpdate: true, unconditionalUpdate: false });

const priorityClass = strategyFor(PriorityClass, {
  generation: 'spec',
  defaults(object) {
    object.preemptionPolicy ||= 'PreemptLowerPriority';
  },
  validate(object, errors) {
    const system = object.metadata.name?.startsWith('system-');
    if (system && !['system-node-critical', 'system-cluster-critical'].includes(object.metadata.name)) {
      errors.forbidden(
        'metadata.name',
        "priority class names with 'system-' prefix are reserved for system use only. error: priority class name prefixed with system- is not allowed",
      );
    } else if (!system && (object.value ?? 0) > 1_000_000_000) {
      errors.forbidden('value', 'maximum allowed value of a user defined priority is 1000000000');
    }
  },
  validateUpdate(object, old, errors) {
    if (object.value !== old.value) errors.forbidden('value', 'may not be changed in an update.');
    if (object.preemptionPolicy !== old.preemptionPolicy) {
      errors.invalid('preemptionPolicy', object.preemptionPolicy, 'field is immutable');
    }
  },
});

const runtimeClass = strategyFor(RuntimeClass, {
  validateUpdate(object, old, errors) {
    if (object.handler !== old.handler) errors.invalid('handler', object.handler, 'field is immutable');
  },
});

const limitRange = strategyFor(LimitRange, {
  createOnUpdate: true,
  defaults({ spec }) {
    for (const limit of spec?.limits ?? []) {
      if (limit.type !== 'Container') continue;
      const { max, min } = limit;
      const defaults = { ...max, ...limit.default };
      if (Object.keys(defaults).length > 0) limit.default = defaults;
      const requests = { ...min, ...limit.default, ...limit.defaultRequest };
      if (Object.keys(requests).length > 0) limit.defaultRequest = requests;
    }
  },
});

const resourceQuota = strategyFor(ResourceQuota, {});

export const clusterObjectStrategies: readonly NamedStrategy[] = [
  configMap,
  secret,
  namespace,
  node,
  serviceAccount,
  endpoints,
  endpointSlice,
  event,
  lease,
  priorityClass,
  runtimeClass,
  limitRange,
  resourceQuota,
];
