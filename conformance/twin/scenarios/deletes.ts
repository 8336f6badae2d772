import { objectOf } from '../bases.ts';
import type { Step } from '../case.ts';
import type { Json } from '../json.ts';
import { collection } from '../kinds.ts';
import { itemPath, post, type Scenario } from './write-read.ts';

const options: readonly Json[] = [
  {},
  { propagationPolicy: 'Orphan' },
  { propagationPolicy: 'Foreground' },
  { propagationPolicy: 'Background' },
  { propagationPolicy: 'Other' },
  { orphanDependents: true },
  { orphanDependents: false },
  { orphanDependents: true, propagationPolicy: 'Orphan' },
  { gracePeriodSeconds: 0 },
  { gracePeriodSeconds: 5 },
  { gracePeriodSeconds: -1 },
  { gracePeriodSeconds: 'x' },
  { preconditions: { uid: '{{made:metadata.uid}}' } },
  { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } },
  { preconditions: { resourceVersion: '{{made:metadata.resourceVersion}}' } },
  { preconditions: { resourceVersion: '1' } },
  { preconditions: { uid: '{{made:metadata.uid}}', resourceVersion: 'x' } },
  { dryRun: ['All'] },
  { dryRun: ['Some'] },
  { dryRun: ['All', 'All'] },
  { unknown: 1 },
  { kind: 'Other', apiVersion: 'v1' },
  { kind: 'DeleteOptions', apiVersion: 'v1' },
  { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', propagationPolicy: 'Background' },
  { ignoreStoreReadErrorWithClusterBreakingPotential: true },
  { ignoreStoreReadErrorWithClusterBreakingPotential: true, gracePeriodSeconds: 1 },
];
const queries: readonly Record<string, string>[] = [
  {},
  { propagationPolicy: 'Foreground' },
  { propagationPolicy: 'X' },
  { gracePeriodSeconds: '0' },
  { gracePeriodSeconds: '7' },
  { gracePeriodSeconds: 'x' },
  { gracePeriodSeconds: '-1' },
  { dryRun: 'All' },
  { dryRun: 'x' },
  { orphanDependents: 'true' },
  { orphanDependents: 'x' },
];

/** Deletion with every option, with and without finalizers, once and again. */
export const deletes: Scenario = (kind, rng) => {
  const finalizers = rng.pick<Json>([[], [], ['example.com/f'], ['foregroundDeletion'], ['orphan']]);
  const object = objectOf(kind, 'a', { labels: { twin: '{{id}}' }, finalizers });
  if (!object || !kind.verbs.includes('delete')) return undefined;
  const steps: Step[] = [post(kind, object)];
  const path = itemPath(kind);
  for (let i = 0; i < 3; i++) {
    const withBody = rng.bool(0.7);
    const collectively = rng.bool(0.2) && kind.verbs.includes('deletecollection');
    const query = withBody && rng.bool(0.8) ? {} : rng.pick(queries);
    steps.push({
      method: 'DELETE',
      path: collectively ? collection(kind) : path,
      query: collectively ? { ...query, labelSelector: 'twin={{id}}' } : query,
      ...(withBody && { json: structuredClone(rng.pick(options)) }),
    });
    steps.push({ method: 'GET', path });
  }
  steps.push(
    {
      method: 'PATCH',
      path,
      headers: { 'content-type': 'application/merge-patch+json' },
      json: { metadata: { finalizers: ['example.com/new'] } },
    },
    { method: 'PUT', path, json: object },
    {
      method: 'PATCH',
      path,
      headers: { 'content-type': 'application/merge-patch+json' },
      json: { metadata: { finalizers: null } },
    },
    { method: 'GET', path },
    { ...post(kind, object), id: 'again' },
  );
  return steps;
};
