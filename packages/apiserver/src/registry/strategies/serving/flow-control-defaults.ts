import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  ResourcePolicyRule,
} from '@keelson/core';

type Subject = PolicyRulesWithSubjects['subjects'][number];
type FlowSpec = NonNullable<FlowSchema['spec']>;
type LevelSpec = NonNullable<PriorityLevelConfiguration['spec']>;

const limited = (
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queues?: number,
  handSize = 6,
): LevelSpec => ({
  type: 'Limited',
  limited: {
    nominalConcurrencyShares,
    lendablePercent,
    limitResponse:
      queues === undefined
        ? { type: 'Reject' }
        : { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
  },
});

/** The priority levels of every cluster (KEP-1040), under their names. */
export const defaultLevels: Readonly<Record<string, LevelSpec>> = {
  'catch-all': limited(5, 0),
  exempt: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  system: limited(30, 33, 64),
  'node-high': limited(40, 25, 64),
  'leader-election': limited(10, 0, 16, 4),
  'workload-high': limited(40, 50, 128),
  'workload-low': limited(100, 90, 128),
  'global-default': limited(20, 50, 128),
};

const group = (name: string): Subject => ({ kind: 'Group', group: { name } });
const user = (name: string): Subject => ({ kind: 'User', user: { name } });
const accounts = (namespace: string): Subject => ({ kind: 'ServiceAccount', serviceAccount: { namespace, name: '*' } });
const resources = (
  apiGroups: string[],
  names: string[],
  verbs: string[],
  clusterScope = false,
): ResourcePolicyRule => ({
  verbs,
  apiGroups,
  resources: names,
  ...(clusterScope && { clusterScope }),
  namespaces: ['*'],
});
const paths = (verbs: string[], nonResourceURLs: string[]): NonResourcePolicyRule => ({ verbs, nonResourceURLs });
const anything = {
  resourceRules: [resources(['*'], ['*'], ['*'], true)],
  nonResourceRules: [paths(['*'], ['*'])],
};
const everybody = [group('system:unauthenticated'), group('system:authenticated')];
const leases = ['coordination.k8s.io'];

const schema = (
  level: string,
  matchingPrecedence: number,
  type: 'ByUser' | 'ByNamespace' | undefined,
  subjects: Subject[],
  what: Omit<PolicyRulesWithSubjects, 'subjects'> = anything,
): FlowSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence,
  ...(type && { distinguisherMethod: { type } }),
  rules: [{ subjects, ...what }],
});

/** The flow schemas of every cluster, under their names. */
export const defaultSchemas: Readonly<Record<string, FlowSpec>> = {
  exempt: schema('exempt', 1, undefined, [group('system:masters')]),
  'catch-all': schema('catch-all', 10000, 'ByUser', everybody),
  'system-nodes': schema('system', 500, 'ByUser', [group('system:nodes')]),
  'system-node-high': schema('node-high', 400, 'ByUser', [group('system:nodes')], {
    resourceRules: [resources([''], ['nodes', 'nodes/status'], ['*'], true), resources(leases, ['leases'], ['*'])],
  }),
  probes: schema('exempt', 2, undefined, everybody, {
    nonResourceRules: [paths(['get'], ['/healthz', '/readyz', '/livez'])],
  }),
  'system-leader-election': schema(
    'leader-election',
    100,
    'ByUser',
    [user('system:kube-controller-manager'), user('system:kube-scheduler'), accounts('kube-system')],
    { resourceRules: [resources(leases, ['leases'], ['get', 'create', 'update'])] },
  ),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', [user('system:kube-controller-manager')]),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', [user('system:kube-scheduler')]),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', [accounts('kube-system')]),
  'service-accounts': schema('workload-low', 9000, 'ByUser', [group('system:serviceaccounts')]),
  'global-default': schema('global-default', 9900, 'ByUser', everybody),
};

/** Those that requests always fall into; nobody may make them into something else. */
export const mandatoryNames = ['exempt', 'catch-all'] as const;

const mandatory = <T>(all: Readonly<Record<string, T>>): Readonly<Record<string, T | undefined>> =>
  Object.fromEntries(mandatoryNames.map((name) => [name, all[name]]));

export const mandatoryLevels = mandatory(defaultLevels);
export const mandatorySchemas = mandatory(defaultSchemas);
