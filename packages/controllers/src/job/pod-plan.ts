import { type Container, Job, type NewObject, type Pod, type PodTemplateSpec, wellKnown } from '@keelson/core';
import { isPodTerminating, podBurst, podFromTemplate, rankForDeletion } from '../pod-control/index.ts';
import { type Account, isIndexed, settledIndexes, totalSucceeded } from './accounting.ts';
import { backoffRemaining } from './backoff.ts';
import { indexBackoff, limitsEachIndex, nextFailureCounts, rememberedFailures } from './index-failures.ts';
import { completionIndex, completionIndexKey, pendingIndexes } from './indexes.ts';

/** The pods that a Job should lose, or the pods it should gain: never both in one reconcile. */
export type PodPlan =
  | { readonly type: 'delete'; readonly pods: readonly Pod[] }
  | { readonly type: 'create'; readonly pods: readonly NewObject<Pod>[] }
  /** A failed pod is replaced only after a while, in milliseconds. */
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'none' };

export interface JobPods {
  /** All pods of the Job. */
  readonly all: readonly Pod[];
  readonly active: readonly Pod[];
}

/** What should be done about the pods of a Job that has not ended. */
export function planPods(job: Job, pods: JobPods, account: Account, now: number): PodPlan {
  const { active } = pods;
  if (job.spec.suspend === true) {
    return active.length === 0 ? { type: 'none' } : { type: 'delete', pods: active.slice(0, podBurst) };
  }
  const done = totalSucceeded(job, account) + account.failedIndexes.size;
  const wanted = wantedActive(job, active.length, done);
  const surplus = podsForRemoval(job, active, account, Math.max(0, active.length - wanted), now);
  if (surplus.length > 0) return { type: 'delete', pods: surplus.slice(0, podBurst) };
  const terminating = job.spec.podReplacementPolicy === 'Failed' ? pods.all.filter(isPodTerminating).length : 0;
  const missing = Math.min(wanted - terminating - active.length, podBurst);
  if (missing <= 0) return { type: 'none' };
  if (limitsEachIndex(job)) return planIndexes(job, pods, account, missing, now);
  const ms = backoffRemaining(pods.all, now);
  if (ms > 0) return { type: 'wait', ms };
  return { type: 'create', pods: newPods(job, pods, account, missing) };
}

/** Never more than there are completions left; without `completions`, nothing new after the first success. */
function wantedActive(job: Job, active: number, done: number): number {
  const parallelism = job.spec.parallelism ?? 1;
  if (job.spec.completions === undefined) return done > 0 ? active : parallelism;
  return Math.min(parallelism, Math.max(0, job.spec.completions - done));
}

/** Of an Indexed Job first the pods whose index is done, doubled or out of range. */
function podsForRemoval(
  job: Job,
  active: readonly Pod[],
  account: Account,
  atLeast: number,
  now: number,
): readonly Pod[] {
  if (active.length === 0 || (atLeast === 0 && !isIndexed(job))) return [];
  const ranked = rankForDeletion(active, [], now);
  if (!isIndexed(job)) return ranked.slice(0, atLeast);
  const settled = settledIndexes(account);
  // The last of two pods with one index is the one that would be deleted later, so it is kept.
  const keptByIndex = new Map<number, Pod>();
  for (const pod of ranked) {
    const index = completionIndex(pod);
    const needed = index !== undefined && index < (job.spec.completions ?? 0) && !settled.has(index);
    if (needed) keptByIndex.set(index, pod);
  }
  const kept = new Set(keptByIndex.values());
  const needless = ranked.filter((pod) => !kept.has(pod));
  const others = ranked.filter((pod) => kept.has(pod));
  return [...needless, ...others.slice(0, Math.max(0, atLeast - needless.length))];
}

function newPods(job: Job, pods: JobPods, account: Account, count: number): readonly NewObject<Pod>[] {
  const template = trackedTemplate(job);
  if (!isIndexed(job)) {
    const pod = podFromTemplate(Job, job, template);
    return Array.from({ length: count }, () => pod);
  }
  return openIndexes(job, pods, account, count).map((index) => indexedPod(job, template, index));
}

/** The lowest indexes that have no pod and need one. */
function openIndexes(job: Job, pods: JobPods, account: Account, count: number): readonly number[] {
  const taken = new Set(settledIndexes(account));
  const waits = job.spec.podReplacementPolicy === 'Failed' ? pods.all.filter(isPodTerminating) : [];
  for (const pod of [...pods.active, ...waits]) {
    const index = completionIndex(pod);
    if (index !== undefined) taken.add(index);
  }
  return pendingIndexes(taken, job.spec.completions ?? 0, count);
}

/** Each index waits for itself; others go on meanwhile. */
function planIndexes(job: Job, pods: JobPods, account: Account, missing: number, now: number): PodPlan {
  const failures = rememberedFailures(job, pods.all, settledIndexes(account));
  const template = trackedTemplate(job);
  const open = openIndexes(job, pods, account, job.spec.completions ?? 0);
  const waits = new Map(open.map((index) => [index, indexBackoff(failures.get(index), now)]));
  const ready = open.filter((index) => waits.get(index) === 0).slice(0, missing);
  if (ready.length === 0)
    return open.length === 0 ? { type: 'none' } : { type: 'wait', ms: Math.min(...waits.values()) };
  return {
    type: 'create',
    pods: ready.map((index) => indexedPod(job, template, index, nextFailureCounts(job, failures.get(index)))),
  };
}

function trackedTemplate(job: Job): PodTemplateSpec {
  const { metadata = { name: '' }, spec } = job.spec.template;
  const finalizers = [...new Set([...(metadata.finalizers ?? []), wellKnown.jobTrackingFinalizer])];
  return { metadata: { ...metadata, finalizers }, ...(spec && { spec }) };
}

function indexedPod(
  job: Job,
  template: PodTemplateSpec,
  index: number,
  failureCounts: Readonly<Record<string, string>> = {},
): NewObject<Pod> {
  const { spec } = template;
  const host = `${job.metadata.name}-${index}`;
  const indexed: PodTemplateSpec = {
    metadata: {
      ...(template.metadata ?? { name: '' }),
      annotations: { ...template.metadata?.annotations, [completionIndexKey]: String(index), ...failureCounts },
      labels: { ...template.metadata?.labels, [completionIndexKey]: String(index) },
    },
    ...(spec && {
      spec: {
        ...spec,
        hostname: host,
        containers: spec.containers.map(withIndexVariable),
        ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndexVariable) }),
      },
    }),
  };
  return podFromTemplate(Job, job, indexed, { generateName: `${host}-` });
}

function withIndexVariable(container: Container): Container {
  if (container.env?.some((variable) => variable.name === 'JOB_COMPLETION_INDEX')) return container;
  const fieldRef = { fieldPath: `metadata.labels['${completionIndexKey}']` };
  return { ...container, env: [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }] };
}
