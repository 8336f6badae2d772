import type { Base } from '../base.ts';
import type { Violation } from '../violations.ts';

const api = 'admissionregistration.k8s.io/v1';
const at = (plural: string) => `/apis/${api}/${plural}`;
const rule = {
  apiGroups: ['apps'],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['deployments', 'deployments/status'],
  scope: 'Namespaced',
};
const webhook = {
  name: 'a.example.com',
  clientConfig: { service: { namespace: 'ns', name: 's', path: '/x', port: 443 }, caBundle: 'eA==' },
  rules: [rule],
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  namespaceSelector: { matchLabels: { a: 'b' } },
  objectSelector: { matchLabels: { a: 'b' } },
  sideEffects: 'None',
  timeoutSeconds: 5,
  admissionReviewVersions: ['v1', 'v1beta1'],
  matchConditions: [{ name: 'c', expression: 'true' }],
};
const more: readonly Violation[] = [
  ['/webhooks/0/name', 'a'],
  ['/webhooks/0/name', 'a.b'],
  ['/webhooks/0/clientConfig', { url: 'https://a.b/c' }],
  ['/webhooks/0/clientConfig', { url: 'http://a.b/c' }],
  ['/webhooks/0/clientConfig', { url: 'https://u:p@a.b/c?x=y#z' }],
  ['/webhooks/0/clientConfig', { url: '::' }],
  ['/webhooks/0/clientConfig', { url: 'https://' }],
  ['/webhooks/0/clientConfig', { url: 'https://a', service: { name: 's', namespace: 'n' } }],
  ['/webhooks/0/clientConfig', { service: { name: 's', namespace: 'n', path: 'x' } }],
  ['/webhooks/0/clientConfig', { service: { name: 's', namespace: 'n', path: '/' } }],
  ['/webhooks/0/clientConfig', { service: { name: 's', namespace: 'n', path: '/a//b' } }],
  ['/webhooks/0/clientConfig', { service: { name: 's', namespace: 'n', path: '/a_b/' } }],
  ['/webhooks/0/clientConfig', { service: {} }],
  ['/webhooks/0/sideEffects', 'Some'],
  ['/webhooks/0/sideEffects', 'Unknown'],
  ['/webhooks/0/timeoutSeconds', 31],
  ['/webhooks/0/admissionReviewVersions', ['v2']],
  ['/webhooks/0/admissionReviewVersions', ['v1', 'v1']],
  ['/webhooks/0/admissionReviewVersions', ['V_']],
  [
    '/webhooks/0/rules/0',
    { apiGroups: ['*', 'apps'], apiVersions: ['*', 'v1'], operations: ['*', 'CREATE'], resources: ['*', 'pods'] },
  ],
  ['/webhooks/0/rules/0', { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*', 'pods/*'] }],
  ['/webhooks/0/rules/0', { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*', 'pods/status'] }],
  [
    '/webhooks/0/rules/0',
    {
      apiGroups: ['*'],
      apiVersions: ['*'],
      operations: ['X'],
      resources: ['pods/*', 'pods/status', '*/status', 'a/b/c'],
      scope: 'X',
    },
  ],
  ['/webhooks/0/rules/0', {}],
  [
    '/webhooks/0/matchConditions',
    [
      { name: 'a', expression: 'true' },
      { name: 'a', expression: 'true' },
    ],
  ],
  ['/webhooks/0/matchConditions', [{ name: 'A B', expression: ' ' }]],
  ['/webhooks/0/matchConditions', Array.from({ length: 65 }, (_, n) => ({ name: `a${n}`, expression: 'true' }))],
  ['/webhooks/1', webhook],
  [
    '/webhooks/0',
    { name: 'a.b.c', clientConfig: { url: 'https://x' }, sideEffects: 'None', admissionReviewVersions: ['v1'] },
  ],
];
const matchConstraints = {
  resourceRules: [{ ...rule, resourceNames: ['x'] }],
  excludeResourceRules: [rule],
  matchPolicy: 'Exact',
  namespaceSelector: { matchLabels: { a: 'b' } },
  objectSelector: { matchLabels: { a: 'b' } },
};

export const admissionBases: readonly Base[] = [
  {
    path: at('validatingwebhookconfigurations'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'validating' },
      webhooks: [webhook],
    },
    more,
  },
  {
    path: at('mutatingwebhookconfigurations'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'mutating' },
      webhooks: [{ ...webhook, reinvocationPolicy: 'IfNeeded' }],
    },
    more,
  },
  {
    path: at('validatingadmissionpolicies'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: 'policy' },
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints,
        validations: [
          { expression: 'object.spec.replicas > 1', message: 'no', reason: 'Forbidden', messageExpression: "'x'" },
        ],
        failurePolicy: 'Ignore',
        auditAnnotations: [{ key: 'k', valueExpression: "'x'" }],
        matchConditions: [{ name: 'c', expression: 'true' }],
        variables: [{ name: 'v', expression: '1' }],
      },
    },
    more: [
      ['/spec/matchConstraints/resourceRules', []],
      ['/spec/matchConstraints/resourceRules/0/resourceNames', ['a', 'a']],
      [
        '/spec/matchConstraints/resourceRules/0',
        { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*', 'pods/*'] },
      ],
      ['/spec/paramKind', { apiVersion: 'a/b/c', kind: 'k k' }],
      ['/spec/paramKind', { apiVersion: 'a_/v1', kind: 'K' }],
      ['/spec/paramKind', { apiVersion: 'a.b/V_', kind: 'K' }],
      ['/spec/validations/0/message', 'a\nb'],
      ['/spec/validations/0/reason', 'Nope'],
      ['/spec/validations/0/reason', 'Invalid'],
      ['/spec/validations/0', { expression: ' ' }],
      ['/spec/validations/0', { expression: 'true', message: ' ' }],
      ['/spec', { matchConstraints, validations: [], auditAnnotations: [] }],
      [
        '/spec/variables',
        [
          { name: 'v', expression: '1' },
          { name: 'v', expression: '1' },
        ],
      ],
      ['/spec/variables', [{ name: '1v', expression: '' }]],
      [
        '/spec/auditAnnotations',
        [
          { key: 'k', valueExpression: "'x'" },
          { key: 'k', valueExpression: "'x'" },
        ],
      ],
      ['/spec/auditAnnotations', Array.from({ length: 21 }, (_, n) => ({ key: `k${n}`, valueExpression: "'x'" }))],
      ['/spec/auditAnnotations', [{ key: 'a/b', valueExpression: "'x'" }]],
      ['/spec/auditAnnotations', [{ key: 'a', valueExpression: 'x'.repeat(5 * 1024 + 1) }]],
      ['/spec/matchConditions', [{ name: 'A B', expression: ' ' }]],
    ],
    status: {
      observedGeneration: 1,
      typeChecking: { expressionWarnings: [{ fieldRef: 'spec.validations[0].expression', warning: 'w' }] },
      conditions: [
        { type: 'X', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2020-01-01T00:00:00Z' },
      ],
    },
    moreStatus: [['/status/typeChecking/expressionWarnings/0/fieldRef', 'x[']],
  },
  {
    path: at('validatingadmissionpolicybindings'),
    updates: true,
    body: {
      apiVersion: api,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'binding' },
      spec: {
        policyName: 'p',
        paramRef: { name: 'n', namespace: 'ns', parameterNotFoundAction: 'Deny' },
        matchResources: matchConstraints,
        validationActions: ['Deny', 'Audit'],
      },
    },
    more: [
      ['/spec/paramRef', { name: 'n', selector: {}, parameterNotFoundAction: 'Deny' }],
      ['/spec/paramRef', { parameterNotFoundAction: 'Deny' }],
      ['/spec/paramRef', { selector: { matchLabels: { 'a b': 'c' } }, parameterNotFoundAction: 'Allow' }],
      ['/spec/validationActions', ['Deny', 'Warn']],
      ['/spec/validationActions', ['Deny', 'Deny']],
      ['/spec/validationActions', ['X']],
      ['/spec/matchResources/resourceRules', []],
    ],
  },
  ...(['v1beta1', 'v1alpha1'] as const).flatMap((version): readonly Base[] => {
    const own = `admissionregistration.k8s.io/${version}`;
    return [
      {
        path: `/apis/${own}/mutatingadmissionpolicies`,
        updates: version === 'v1beta1',
        body: {
          apiVersion: own,
          kind: 'MutatingAdmissionPolicy',
          metadata: { name: 'mutatingpolicy' },
          spec: {
            paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
            matchConstraints,
            variables: [{ name: 'v', expression: '1' }],
            mutations: [
              { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } },
              { patchType: 'JSONPatch', jsonPatch: { expression: "[JSONPatch{op: 'add', path: '/a', value: 'b'}]" } },
            ],
            failurePolicy: 'Ignore',
            matchConditions: [{ name: 'c', expression: 'true' }],
            reinvocationPolicy: 'IfNeeded',
          },
        },
        more: [
          ['/spec/mutations/0/jsonPatch', { expression: '[]' }],
          ['/spec/mutations/0/patchType', 'JSONPatch'],
          ['/spec/reinvocationPolicy', 'X'],
        ],
      },
      {
        path: `/apis/${own}/mutatingadmissionpolicybindings`,
        updates: version === 'v1beta1',
        body: {
          apiVersion: own,
          kind: 'MutatingAdmissionPolicyBinding',
          metadata: { name: 'mutatingbinding' },
          spec: {
            policyName: 'p',
            paramRef: { name: 'n', namespace: 'ns', parameterNotFoundAction: 'Deny' },
            matchResources: matchConstraints,
          },
        },
      },
    ];
  }),
];
