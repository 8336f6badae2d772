import {
  APIService,
  CertificateSigningRequest,
  ClusterRole,
  ClusterRoleBinding,
  deepEqual,
  FlowSchema,
  HorizontalPodAutoscaler,
  Ingress,
  IngressClass,
  MutatingWebhookConfiguration,
  NetworkPolicy,
  PodDisruptionBudget,
  type PolicyRule,
  PriorityLevelConfiguration,
  Role,
  RoleBinding,
  type RoleRef,
  type Subject,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
  validateLabelSelector,
  validatePathSegment,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../strategy.ts';
import { checkOneOf } from './checks.ts';

const rbac = 'rbac.authorization.k8s.io';

function validateRules(rules: readonly PolicyRule[] | undefined, namespaced: boolean, errors: FieldErrors): void {
  (rules ?? []).forEach((rule, index) => {
    const at = `rules[${index}]`;
    if (!rule.verbs?.length) errors.required(`${at}.verbs`, 'verbs must contain at least one value');
    if (rule.nonResourceURLs?.length) {
      if (namespaced) {
        errors.invalid(
          `${at}.nonResourceURLs`,
          rule.nonResourceURLs,
          'namespaced rules cannot apply to non-resource URLs',
        );
      }
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.invalid(
          `${at}.nonResourceURLs`,
          rule.nonResourceURLs,
          'rules cannot apply to both regular resources and non-resource URLs',
        );
      }
      return;
    }
    if (!rule.apiGroups?.length)
      errors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
    if (!rule.resources?.length) errors.required(`${at}.resources`, 'resource rules must supply at least one resource');
  });
}

const role = strategyFor(Role, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  validate: ({ rules }, errors) => validateRules(rules, true, errors),
});

const clusterRole = strategyFor(ClusterRole, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  validate: ({ rules }, errors) => validateRules(rules, false, errors),
});

interface AnyBinding {
  roleRef: Draft<RoleRef>;
  subjects?: Draft<Subject>[];
}

function defaultBinding(binding: AnyBinding): void {
  if (binding.roleRef) binding.roleRef.apiGroup ||= rbac;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbac;
    else if (subject.apiGroup === '') delete subject.apiGroup;
  }
}

function validateBinding(
  { roleRef, subjects }: { readonly roleRef: RoleRef; readonly subjects?: readonly Subject[] },
  kinds: readonly string[],
  errors: FieldErrors,
): void {
  checkOneOf('roleRef.apiGroup', roleRef.apiGroup, [rbac], errors);
  checkOneOf('roleRef.kind', roleRef.kind, kinds, errors);
  if (!roleRef.name) errors.required('roleRef.name');
  (subjects ?? []).forEach((subject, index) => {
    const at = `subjects[${index}]`;
    if (!subject.name) errors.required(`${at}.name`);
    checkOneOf(`${at}.kind`, subject.kind, ['ServiceAccount', 'User', 'Group'], errors);
    if (subject.kind === 'ServiceAccount' && !subject.namespace) errors.required(`${at}.namespace`);
  });
}

function roleRefStays(roleRef: RoleRef, old: RoleRef, errors: FieldErrors): void {
  if (!deepEqual(roleRef, old)) errors.invalid('roleRef', roleRef, 'cannot change roleRef');
}

const roleBinding = strategyFor(RoleBinding, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  defaults: (object) => defaultBinding(object),
  validate: (object, errors) => validateBinding(object, ['Role', 'ClusterRole'], errors),
  validateUpdate: (object, old, errors) => roleRefStays(object.roleRef, old.roleRef, errors),
});

const clusterRoleBinding = strategyFor(ClusterRoleBinding, {
  createOnUpdate: true,
  nameRule: validatePathSegment,
  defaults: (object) => defaultBinding(object),
  validate: (object, errors) => validateBinding(object, ['ClusterRole'], errors),
  validateUpdate: (object, old, errors) => roleRefStays(object.roleRef, old.roleRef, errors),
});

const ingress = strategyFor(Ingress, {
  generation: 'spec',
  validate({ spec }, errors) {
    if (!spec.rules?.length && !spec.defaultBackend) {
      errors.invalid(
        'spec',
        Object.keys(spec).length === 0 ? null : spec,
        'either `defaultBackend` or `rules` must be specified',
      );
    }
    (spec.rules ?? []).forEach((rule, index) => {
      (rule.http?.paths ?? []).forEach((path, at) => {
        const here = `spec.rules[${index}].http.paths[${at}]`;
        const types = ['Exact', 'ImplementationSpecific', 'Prefix'];
        if (!path.pathType) {
          errors.required(`${here}.pathType`, 'pathType must be specified');
          return;
        }
        checkOneOf(`${here}.pathType`, path.pathType, types, errors);
        if (path.pathType !== 'ImplementationSpecific' && !path.path?.startsWith('/')) {
          errors.invalid(`${here}.path`, path.path ?? '', 'must be an absolute path');
        }
        if (!path.backend?.service && !path.backend?.resource)
          errors.required(`${here}.backend`, 'a service or resource backend is required');
      });
    });
  },
});

const ingressClass = strategyFor(IngressClass, {
  generation: 'spec',
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (spec?.controller !== old?.controller) errors.invalid('spec.controller', spec?.controller, 'field is immutable');
  },
});

const networkPolicy = strategyFor(NetworkPolicy, {
  generation: 'spec',
  defaults({ spec }) {
    const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
    for (const rule of rules) for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  validate({ spec }, errors) {
    if (spec.podSelector) errors.list.push(...validateLabelSelector(spec.podSelector, 'spec.podSelector'));
    (spec.policyTypes ?? []).forEach(
      (each, index) => void checkOneOf(`spec.policyTypes[${index}]`, each, ['Ingress', 'Egress'], errors),
    );
  },
});

const disruptionBudget = strategyFor(PodDisruptionBudget, {
  generation: 'spec',
  unconditionalUpdate: false,
  validate({ spec }, errors) {
    if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      const shown = {
        MinAvailable: spec.minAvailable,
        Selector: spec.selector ?? null,
        MaxUnavailable: spec.maxUnavailable,
        UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
      };
      errors.invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set');
    }
    if (spec.selector) errors.list.push(...validateLabelSelector(spec.selector, 'spec.selector'));
  },
});

const defaultScaleUp = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
];

const autoscaler = strategyFor(HorizontalPodAutoscaler, {
  defaults({ spec }) {
    spec.minReplicas ??= 1;
    if (!spec.metrics?.length) {
      const target = { type: 'Utilization', averageUtilization: 80 };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
    const { behavior } = spec;
    if (!behavior) return;
    behavior.scaleUp = {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: defaultScaleUp.map((each) => ({ ...each })),
      ...behavior.scaleUp,
    };
    behavior.scaleDown = {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
      ...behavior.scaleDown,
    };
  },
  prepareCreate(object) {
    object.status = { desiredReplicas: 0 };
  },
  validate({ spec }, errors) {
    if (!(spec.maxReplicas > 0)) errors.invalid('spec.maxReplicas', spec.maxReplicas ?? 0, 'must be greater than 0');
    if ((spec.maxReplicas ?? 0) < (spec.minReplicas ?? 1)) {
      errors.invalid('spec.maxReplicas', spec.maxReplicas ?? 0, 'must be greater than or equal to `minReplicas`');
    }
    if (!spec.scaleTargetRef?.kind) errors.required('spec.scaleTargetRef.kind');
    if (!spec.scaleTargetRef?.name) errors.required('spec.scaleTargetRef.name');
    const target = spec.scaleTargetRef?.apiVersion ?? '';
    if (target === '') errors.invalid('spec.scaleTargetRef.apiVersion', '', 'apiVersion must specify API group');
  },
});

interface AnyWebhook {
  failurePolicy?: string;
  matchPolicy?: string;
  timeoutSeconds?: number;
  namespaceSelector?: object;
  objectSelector?: object;
  rules?: { scope?: string }[];
  clientConfig?: { service?: { port?: number } };
}

function defaultWebhook(webhook: AnyWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
}

const validatingWebhooks = strategyFor(ValidatingWebhookConfiguration, {
  generation: 'spec',
  defaults: ({ webhooks }) => (webhooks ?? []).forEach(defaultWebhook),
});

const mutatingWebhooks = strategyFor(MutatingWebhookConfiguration, {
  generation: 'spec',
  defaults: ({ webhooks }) =>
    (webhooks ?? []).forEach((each) => {
      defaultWebhook(each);
      each.reinvocationPolicy ??= 'Never';
    }),
});

const signingRequest = strategyFor(CertificateSigningRequest, {
  prepareCreate(object, { user }) {
    object.spec.username = user.name;
    if (user.uid) object.spec.uid = user.uid;
    object.spec.groups = [...user.groups];
    if (user.extra) {
      object.spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    }
  },
  validate({ spec }, errors) {
    const pem = Buffer.from(spec.request ?? '', 'base64').toString('latin1');
    if (!pem.includes('-----BEGIN CERTIFICATE REQUEST-----')) {
      errors.invalid('spec.request', '', 'PEM block type must be CERTIFICATE REQUEST');
    }
    if (!spec.signerName) errors.required('spec.signerName');
    if (!spec.usages?.length) errors.required('spec.usages');
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    if (!deepEqual(spec, old)) errors.forbidden('spec', 'field is immutable');
  },
});

export const policyObjectStrategies: readonly NamedStrategy[] = [
  role,
  clusterRole,
  roleBinding,
  clusterRoleBinding,
  ingress,
  ingressClass,
  networkPolicy,
  disruptionBudget,
  autoscaler,
  validatingWebhooks,
  mutatingWebhooks,
  signingRequest,
  strategyFor(FlowSchema, { generation: 'spec' }),
  strategyFor(PriorityLevelConfiguration, { generation: 'spec' }),
  strategyFor(ValidatingAdmissionPolicy, { generation: 'spec' }),
  strategyFor(ValidatingAdmissionPolicyBinding, { generation: 'spec' }),
  strategyFor(APIService, {}),
];
