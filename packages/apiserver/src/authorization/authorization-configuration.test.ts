import { describe, expect, it } from 'vitest';
import { Authorizers } from './authorization-configuration.ts';

const good = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  matchConditionSubjectAccessReviewVersion: 'v1',
  failurePolicy: 'NoOpinion',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/etc/webhook' },
};
const hook = (changes: object, name = 'hook') => ({ type: 'Webhook', name, webhook: { ...good, ...changes } });
const when = (...all: string[]) => hook({ matchConditions: all.map((expression) => ({ expression })) });

/** What a kube-apiserver v1.35.4 said of the same `--authorization-config`, the first line of each. */
const refused: Readonly<Record<string, readonly [authorizers: readonly object[], ...errors: string[]]>> = {
  none: [[], 'authorizers: Required value: at least one authorization mode must be defined'],
  'no type': [[{ name: 'a' }], 'authorizers[0].type: Required value'],
  'a type twice': [
    [
      { type: 'RBAC', name: 'a' },
      { type: 'RBAC', name: 'b' },
    ],
    'authorizers[1].type: Duplicate value: "RBAC"',
  ],
  'a name twice': [
    [
      { type: 'RBAC', name: 'a' },
      { type: 'Node', name: 'a' },
    ],
    'authorizers[1].name: Duplicate value: "a"',
  ],
  'webhooks of one name': [[hook({}), hook({}, 'other'), hook({})], 'authorizers[2].name: Duplicate value: "hook"'],
  'no name': [[{ type: 'RBAC' }], 'authorizers[0].name: Required value'],
  'a name that is none': [
    [{ type: 'RBAC', name: 'A b' }],
    "authorizers[0].name: Invalid value: \"A b\": authorizer name is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ],
  'no webhook': [
    [{ type: 'Webhook', name: 'a' }],
    'authorizers[0].webhook: Required value: required when type=Webhook',
  ],
  'a webhook for RBAC': [
    [{ type: 'RBAC', name: 'a', webhook: good }],
    'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
  ],
  'an empty webhook': [
    [{ type: 'Webhook', name: 'a', webhook: {} }],
    'authorizers[0].timeout: Required value',
    'authorizers[0].subjectAccessReviewVersion: Required value',
    'authorizers[0].failurePolicy: Required value',
    'authorizers[0].connectionInfo.type: Required value',
  ],
  'no timeout': [[hook({ timeout: '0s' })], 'authorizers[0].timeout: Required value'],
  'a timeout too long': [
    [hook({ timeout: '31s' })],
    'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s',
  ],
  'another version': [
    [hook({ subjectAccessReviewVersion: 'v2' })],
    'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
  ],
  'another version of conditions': [
    [hook({ matchConditionSubjectAccessReviewVersion: 'v2' })],
    'authorizers[0].matchConditionSubjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1"',
  ],
  'conditions without version': [
    [hook({ matchConditionSubjectAccessReviewVersion: undefined, matchConditions: [{ expression: 'true' }] })],
    'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
  ],
  'another policy': [
    [hook({ failurePolicy: 'Allow' })],
    'authorizers[0].failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
  ],
  'no file': [
    [hook({ connectionInfo: { type: 'KubeConfigFile' } })],
    'authorizers[0].connectionInfo.kubeConfigFile: Required value',
  ],
  'an empty condition': [[when('  ')], 'authorizers[0].matchConditions[0].expression: Required value'],
  'a condition twice': [
    [when('true', 'true')],
    'authorizers[0].matchConditions[1].expression: Duplicate value: "true"',
  ],
  'a condition of another type': [
    [when('1')],
    'authorizers[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int',
  ],
  'a condition of any type': [
    [when('dyn(true)')],
    'authorizers[0].matchConditions[0].expression: Invalid value: "dyn(true)": must evaluate to bool but got dyn',
  ],
  'a field that is not there': [
    [when('request.foo == "a"')],
    'authorizers[0].matchConditions[0].expression: Invalid value: "request.foo == \\"a\\"": compilation failed: ERROR: <input>:1:8: undefined field \'foo\'',
  ],
  'a variable that is not there': [
    [when('object.x')],
    "authorizers[0].matchConditions[0].expression: Invalid value: \"object.x\": compilation failed: ERROR: <input>:1:1: undeclared reference to 'object' (in container '')",
  ],
  'too many conditions': [
    [when(...Array.from({ length: 65 }, (_, each) => `request.user == "${each}"`))],
    'authorizers[0].matchConditions: Too many: 65: must have at most 64 items',
  ],
};

const pathOf = (path: readonly PropertyKey[]) =>
  `authorizers${path.map((each) => (typeof each === 'number' ? `[${each}]` : `.${String(each)}`)).join('')}`;

describe('an AuthorizationConfiguration', () => {
  it.each(Object.entries(refused))('is refused for %s as by Kubernetes', (_, [authorizers, ...errors]) => {
    const issues = Authorizers.safeParse(authorizers).error?.issues ?? [];
    expect(issues.map(({ path, message }) => `${pathOf(path)}: ${message.split('\n')[0]}`)).toEqual(errors);
  });

  it('takes what a real server takes', () => {
    const conditions = [
      'has(request.resourceAttributes)',
      'request.resourceAttributes.fieldSelector.requirements.size() > 0',
      'request.uid == ""',
      'request.extra.foo[0] == "a"',
      'request.groups.exists(g, g == "a")',
      'has(request.nonResourceAttributes) && request.nonResourceAttributes.path == "/x"',
      'request.resourceAttributes.labelSelector.requirements[0].values.exists(v, v == "x")',
      'request.resourceAttributes.fieldSelector.rawSelector == ""',
    ];
    const all = [{ type: 'Node', name: 'node' }, when(...conditions), hook({ unauthorizedTTL: '0s' }, 'b')];
    expect(Authorizers.safeParse(all).error?.issues).toBeUndefined();
  });

  it('does not offer to allow everything', () => {
    expect(Authorizers.safeParse([{ type: 'AlwaysAllow', name: 'alwaysallow' }]).success).toBe(false);
  });
});
