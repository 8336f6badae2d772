import {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  Pod,
  PodDisruptionBudget,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '@keelson/core';
import { autoscalerTargets } from './autoscaler-targets.ts';
import { cellsFor, type KindCells } from './cells.ts';
import { containerCells, formatLabels, formatSelector, none, unset, yesNo } from './format.ts';
import { age, humanDuration } from './human-duration.ts';
import { podCells } from './pod-cells.ts';

export const workloadCells: readonly KindCells[] = [
  cellsFor(Pod, podCells),
  cellsFor(Deployment, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.template?.spec?.containers),
    spec?.selector ? formatSelector(spec.selector) : '',
  ]),
  cellsFor(ReplicaSet, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.template?.spec?.containers),
    formatSelector(spec?.selector),
  ]),
  cellsFor(ReplicationController, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.template?.spec?.containers),
    formatLabels(spec?.selector),
  ]),
  cellsFor(DaemonSet, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    formatLabels(spec?.template?.spec?.nodeSelector),
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.template?.spec?.containers),
    formatSelector(spec?.selector),
  ]),
  cellsFor(StatefulSet, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.template?.spec?.containers),
  ]),
  cellsFor(Job, (job, now) => [
    job.metadata.name ?? '',
    jobStatus(job),
    jobCompletions(job),
    jobDuration(job, now),
    age(now, job.metadata.creationTimestamp),
    ...containerCells(job.spec?.template?.spec?.containers),
    formatSelector(job.spec?.selector),
  ]),
  cellsFor(CronJob, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.schedule ?? '',
    spec?.timeZone ?? none,
    spec?.suspend === undefined ? unset : yesNo(spec.suspend),
    status?.active?.length ?? 0,
    status?.lastScheduleTime ? age(now, status.lastScheduleTime) : none,
    age(now, metadata.creationTimestamp),
    ...containerCells(spec?.jobTemplate.spec?.template?.spec?.containers),
    formatSelector(spec?.jobTemplate?.spec?.selector),
  ]),
  cellsFor(HorizontalPodAutoscaler, (autoscaler, now) => [
    autoscaler.metadata.name ?? '',
    `${autoscaler.spec?.scaleTargetRef?.kind ?? ''}/${autoscaler.spec?.scaleTargetRef?.name ?? ''}`,
    autoscalerTargets(autoscaler),
    String(autoscaler.spec?.minReplicas ?? unset),
    autoscaler.spec?.maxReplicas ?? 0,
    autoscaler.status?.currentReplicas ?? 0,
    age(now, autoscaler.metadata.creationTimestamp),
  ]),
  cellsFor(PodDisruptionBudget, ({ metadata, spec, status }, now) => [
    metadata.name ?? '',
    spec?.minAvailable === undefined ? 'N/A' : String(spec.minAvailable),
    spec?.maxUnavailable === undefined ? 'N/A' : String(spec.maxUnavailable),
    status?.disruptionsAllowed ?? 0,
    age(now, metadata.creationTimestamp),
  ]),
  cellsFor(ControllerRevision, ({ metadata, revision }, now) => {
    const owner = metadata.ownerReferences?.find((each) => each.controller);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    const controller = owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : none;
    return [metadata.name ?? '', controller, revision ?? 0, age(now, metadata.creationTimestamp)];
  }),
  cellsFor(PodTemplate, ({ metadata, template }) => [
    metadata.name ?? '',
    ...containerCells(template?.spec?.containers),
    formatLabels(template?.metadata?.labels),
  ]),
];

function jobStatus({ metadata, status }: Job): string {
  const has = (type: string) => status?.conditions?.some((each) => each.type === type && each.status === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (metadata.deletionTimestamp) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function jobCompletions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration({ status }: Job, now: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now;
  return humanDuration(end - Date.parse(status.startTime));
}
