import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { KubernetesObject, ResourceQuota, ResourceQuotaSpec } from '../../api/index.ts';
import { compareQuantity, formatQuantity } from '../../machinery/index.ts';
import { evaluatorFor, usageOf } from './index.ts';

type Objects = readonly KubernetesObject[];

interface Recorded {
  readonly now: number;
  /** What the quota controller of Kubernetes v1.35.4 found used, by quota; what is left out is 0. */
  readonly used: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What there was, or how many. */
  readonly [resource: string]: unknown;
}

const text = readFileSync(new URL('recorded-usage.jsonl', import.meta.url), 'utf8');
const [first = '', ...rest] = text.trim().split('\n');
// Both forms are those in which they were recorded.
const { specs } = JSON.parse(first) as { readonly specs: Readonly<Record<string, ResourceQuotaSpec>> };
const recorded = rest.map((line) => JSON.parse(line) as Recorded);

const groups: Readonly<Record<string, string>> = { resourceclaims: 'resource.k8s.io' };
const kinds = [
  'pods',
  'services',
  'persistentvolumeclaims',
  'resourceclaims',
  'configmaps',
  'secrets',
  'serviceaccounts',
  'endpoints',
];

function objectsIn(set: Recorded, kind: string): Objects {
  const found = set[kind];
  if (typeof found !== 'number') return found as Objects;
  return Array.from({ length: found }, (_, at) => ({ apiVersion: 'v1', kind: '', metadata: { name: `o${at}` } }));
}

/** Names that differ, with both amounts. How an amount is written depends on the order of the summands. */
function differences(set: Recorded, name: string, spec: ResourceQuotaSpec): readonly string[] {
  const quota: ResourceQuota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec };
  const theirs = set.used[name] ?? {};
  return kinds.flatMap((kind) => {
    const ours = usageOf(quota, evaluatorFor(groups[kind] ?? '', kind), objectsIn(set, kind), set.now);
    return Object.entries(ours)
      .filter(([resource, amount]) => compareQuantity(amount, theirs[resource] ?? '0') !== 0)
      .map(([resource, amount]) => `${name} ${resource}: ${formatQuantity(amount)}, not ${theirs[resource] ?? '0'}`);
  });
}

describe('what a namespace uses of quotas of every scope', () => {
  it.each(recorded.map((set, at) => [at, set] as const))('is what Kubernetes has counted in set %i', (_, set) => {
    expect(Object.entries(specs).flatMap(([name, spec]) => differences(set, name, spec))).toEqual([]);
  });

  it('has an amount for the names that Kubernetes has one for, and for no others', () => {
    const counted = [
      'a.b.storageclass.storage.k8s.io/requests.storage',
      'requests.deviceclass.resource.kubernetes.io/gpu',
      'requests.example.com/nic',
      'requests.example.com/requests.x',
      'requests.requests.example.com/y',
      'requests.hugepages-1Gi',
      'requests.x.deviceclass.resource.k8s.io/devices',
    ];
    const uncounted = [
      'deviceclass.resource.kubernetes.io/gpu',
      'example.com/foo',
      'limits.example.com/nic',
      'requests.attachable-volumes.kubernetes.io/x',
      'requests.kubernetes.io/foo',
      'count/pods.v1',
    ];
    const isCounted = (name: string) => kinds.some((kind) => evaluatorFor(groups[kind] ?? '', kind).counts(name));
    expect([...counted, ...uncounted].filter(isCounted)).toEqual(counted);
  });
});
