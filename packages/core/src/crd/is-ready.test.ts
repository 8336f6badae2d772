import { describe, expect, it } from 'vitest';
import {
  CustomResourceDefinition,
  DaemonSet,
  Deployment,
  Job,
  type KubernetesObject,
  PersistentVolumeClaim,
  Pod,
  type ResourceType,
  Secret,
  Service,
  StatefulSet,
} from '../api/index.ts';
import { isReady } from './is-ready.ts';

const Custom: ResourceType = { group: 'example.com', version: 'v1', kind: 'Thing', plural: 'things', namespaced: true };
const condition = (type: string, status: string) => ({ conditions: [{ type, status }] });

const seen = { observedGeneration: 1 };
const rolled = { ...seen, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
const onDelete = { updateStrategy: { type: 'OnDelete' } };
const cases: readonly (readonly [string, boolean, ResourceType, object, object])[] = [
  ['a Deployment that nobody has seen', false, Deployment, { replicas: 0 }, {}],
  ['a Deployment that is rolled out', true, Deployment, { replicas: 2 }, rolled],
  ['a Deployment of which an older pod is left', false, Deployment, { replicas: 2 }, { ...rolled, replicas: 3 }],
  [
    'a Deployment with one pod that is available',
    false,
    Deployment,
    { replicas: 2 },
    { ...rolled, availableReplicas: 1 },
  ],
  ['a Deployment that has changed since', false, Deployment, { replicas: 2 }, { ...rolled, observedGeneration: 0 }],
  ['a Deployment of none', true, Deployment, { replicas: 0 }, seen],
  ['a StatefulSet', true, StatefulSet, { replicas: 1 }, { ...seen, replicas: 1, readyReplicas: 1, updatedReplicas: 1 }],
  ['a StatefulSet of the older revision', false, StatefulSet, {}, { ...seen, replicas: 1, readyReplicas: 1 }],
  ['a StatefulSet that is updated by hand', true, StatefulSet, onDelete, { ...seen, replicas: 1, readyReplicas: 1 }],
  [
    'a DaemonSet',
    true,
    DaemonSet,
    {},
    { ...seen, desiredNumberScheduled: 2, numberAvailable: 2, updatedNumberScheduled: 2 },
  ],
  ['a DaemonSet on its way', false, DaemonSet, {}, { ...seen, desiredNumberScheduled: 2, numberAvailable: 1 }],
  ['a Job that is done', true, Job, {}, condition('Complete', 'True')],
  ['a Job that failed', false, Job, {}, condition('Failed', 'True')],
  ['a Pod that is ready', true, Pod, {}, { phase: 'Running', ...condition('Ready', 'True') }],
  ['a Pod that is done', true, Pod, {}, { phase: 'Succeeded', ...condition('Ready', 'False') }],
  ['a Pod that starts', false, Pod, {}, { phase: 'Pending' }],
  // It may wait for its first pod, which would wait for it.
  ['a claim that is not bound', true, PersistentVolumeClaim, {}, { phase: 'Pending' }],
  ['a Service', true, Service, { type: 'ClusterIP' }, {}],
  ['a Service without its load balancer', false, Service, { type: 'LoadBalancer' }, {}],
  ['a Service with it', true, Service, { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '10.0.0.1' }] } }],
  ['a definition that is served', true, CustomResourceDefinition, {}, condition('Established', 'True')],
  ['a definition that is not', false, CustomResourceDefinition, {}, {}],
  ['what has no status', true, Secret, {}, {}],
  ['a custom resource that says nothing', true, Custom, {}, {}],
  ['a custom resource that says that it is not', false, Custom, {}, condition('Ready', 'Unknown')],
  ['a custom resource that says that it is', true, Custom, {}, condition('Ready', 'True')],
];

describe('isReady', () => {
  it.each(cases)('%s: %s', (_, ready, type, spec, status) => {
    const object: KubernetesObject & { spec: object; status: object } = {
      metadata: { name: 'x', generation: 1 },
      spec,
      status,
    };
    expect(isReady(type, object)).toBe(ready);
    const going = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(isReady(type, going)).toBe(false);
  });
});
