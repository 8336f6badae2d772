import { isStatusError } from '@keelson/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeObject } from '../http/decode-body.ts';
import { type AskOracle, isJson, oracle } from '../schema/oracle.test-data.ts';
import { builtinKinds } from './builtin-kinds.ts';
import { decodeBody } from './decode-body.ts';
import { servedVersions } from './runtime-config.ts';

const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];

const types = [
  {},
  { kind: null, apiVersion: null },
  { kind: '', apiVersion: '' },
  { kind: 'Pod' },
  { apiVersion: 'v1' },
  { apiVersion: 'v2' },
  { apiVersion: '/v1' },
  { apiVersion: '/' },
  { apiVersion: 'apps/v1' },
  { apiVersion: 'a/b/c', kind: 'ConfigMap' },
  { apiVersion: 'foo/v1', kind: 'ConfigMap' },
  { apiVersion: 'v1', kind: 'configmap' },
  { apiVersion: 'v1', kind: 'ConfigMapList', items: [] },
  { apiVersion: 'v1', kind: 'Foo' },
  { apiVersion: 'v1', kind: 'Pod' },
  { apiVersion: 'v1', kind: 'List', items: [] },
  { apiVersion: 'v1', kind: 'PodLogOptions' },
  { apiVersion: 'extensions/v1beta1', kind: 'Ingress' },
  { apiVersion: 'autoscaling/v2beta2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'certificates.k8s.io/v1beta1', kind: 'ClusterTrustBundle' },
  { apiVersion: 'v1', kind: 'Pod', foo: 1 },
  { apiVersion: 'v1', kind: 'Pod', spec: 1 },
  { apiVersion: 'v1', kind: 'DeleteOptions' },
  { apiVersion: 'v1', kind: 'Status' },
  { apiVersion: 'v1', kind: 'WatchEvent' },
  { apiVersion: 'v1', kind: 'APIGroup' },
  { apiVersion: 'v1', kind: 'PodTemplateSpec' },
  { apiVersion: 'v1', kind: 'Event' },
  { apiVersion: 'events.k8s.io/v1', kind: 'Event' },
  { apiVersion: 'events.k8s.io/v1', kind: 'Foo' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
  { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIServiceList' },
  { apiVersion: 'meta.k8s.io/v1', kind: 'Table' },
  { apiVersion: 'resource.k8s.io/v1beta1', kind: 'ResourceClaim' },
  { apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics' },
];
const bodies = [
  ...types.map((each) => JSON.stringify({ ...each, metadata: { name: 'A_' } })),
  '',
  '   ',
  '[]',
  '[1]',
  'null',
  'true',
  '1',
  '"a"',
  '{',
  '{"metadata":{"name":"a"}} x',
  '{"metadata":{"name":"a"},}',
  '{"kind":1}',
  '{"apiVersion":{}}',
  '{"apiVersion":1,"kind":2}',
  '{"kind":"ConfigMap","apiVersion":"v1","kind":"Pod"}',
  `[${'"a",'.repeat(2000)}1]`,
  '{"metadata": nope, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1}',
  '{"Kind":"Pod","metadata":{"name":"A_"}}',
  `{"metadata":{"name":"A_"},"foo":${'['.repeat(5000)}${']'.repeat(5000)}}`,
  `{"metadata":{"name":"A_"},"foo":${'['.repeat(10_001)}${']'.repeat(10_001)}}`,
];

const places = [
  ['', 'v1', 'configmaps', '/api/v1/namespaces/default/configmaps'],
  ['', 'v1', 'events', '/api/v1/namespaces/default/events'],
  ['autoscaling', 'v2', 'horizontalpodautoscalers', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'],
  [
    'apiextensions.k8s.io',
    'v1',
    'customresourcedefinitions',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  ],
  ['apiregistration.k8s.io', 'v1', 'apiservices', '/apis/apiregistration.k8s.io/v1/apiservices'],
  ['rbac.authorization.k8s.io', 'v1', 'clusterroles', '/apis/rbac.authorization.k8s.io/v1/clusterroles'],
  ['resource.k8s.io', 'v1', 'resourceclaims', '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims'],
] as const;

describe.runIf(kubeconfig)('what bodies say they are, beside a real control plane', () => {
  let ask: AskOracle;
  beforeAll(async () => {
    ask = await oracle(kubeconfig);
  });
  const kinds = builtinKinds([], servedVersions({ 'api/all': true }));

  it.each(places)('%s/%s %s', async (group, version, resource, path) => {
    const kind = kinds.find(
      ({ served }) => served.group === group && served.version === version && served.resource === resource,
    );
    if (!kind) throw new Error('not served');
    const outcome = (body: string): string => {
      try {
        const { value } = decodeObject(body, 'application/json', kind.served.kind, kind.apiVersion);
        decodeBody(kind, value, {}, () => undefined);
        return 'decoded';
      } catch (error) {
        if (isStatusError(error)) return error.message;
        throw error;
      }
    };
    const found: unknown[] = [];
    for (const body of bodies) {
      const { code, text } = await ask('POST', `${path}?dryRun=All&fieldValidation=Ignore`, body);
      const answer: unknown = JSON.parse(text);
      const theirs = code === 400 && isJson(answer) ? answer['message'] : 'decoded';
      const ours = outcome(body);
      if (ours !== theirs) found.push({ body: body.slice(0, 100), ours, theirs });
    }
    expect(found).toEqual([]);
  });
});
