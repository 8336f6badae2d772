import {
  type DaemonSet,
  DaemonSet as DaemonSetType,
  type NewObject,
  type Node,
  type Pod,
  type PodSpec,
  type Toleration,
} from '@keelson/core';
import { podFromTemplate } from '../pod-control/index.ts';
import { compileNodeMatcher } from '../scheduler/cache/label-matcher.ts';
import { isTolerated } from '../scheduler/plugins/taint-toleration/tolerates.ts';

export const hashLabel = 'controller-revision-hash';
const generationLabel = 'pod-template-generation';
const generationAnnotation = 'deprecated.daemonset.template.generation';

const tolerated: readonly (readonly [string, string])[] = [
  ['not-ready', 'NoExecute'],
  ['unreachable', 'NoExecute'],
  ['disk-pressure', 'NoSchedule'],
  ['memory-pressure', 'NoSchedule'],
  ['pid-pressure', 'NoSchedule'],
  ['unschedulable', 'NoSchedule'],
];

/** Daemons run where others may not: kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations. */
function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): readonly Toleration[] {
  const wanted = hostNetwork ? [...tolerated, ['network-unavailable', 'NoSchedule'] as const] : tolerated;
  const own = wanted.map(([name, effect]) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect }));
  const missing = own.filter(
    (each) =>
      !tolerations.some(
        (one) =>
          one.key === each.key &&
          one.effect === each.effect &&
          one.operator === each.operator &&
          one.tolerationSeconds === undefined,
      ),
  );
  return [
    ...tolerations.filter(
      (one) =>
        !missing.some(
          (each) =>
            one.key === each.key &&
            one.effect === each.effect &&
            (one.value ?? '') === '' &&
            one.operator === each.operator,
        ),
    ),
    ...missing,
  ];
}

export function templateGeneration({ metadata }: DaemonSet): string | undefined {
  return metadata.annotations?.[generationAnnotation];
}

/** The pod for one node: pinned to it by affinity, so that the scheduler binds it there or nowhere. */
export function daemonPod(set: DaemonSet, node: string, hash: string): NewObject<Pod> {
  const { template } = set.spec;
  if (template.spec === undefined) throw new Error(`DaemonSet ${set.metadata.name}: its pod template has no spec`);
  const { affinity } = template.spec;
  const pinned = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] };
  const generation = templateGeneration(set);
  return podFromTemplate(
    DaemonSetType,
    set,
    {
      ...template,
      spec: {
        ...template.spec,
        tolerations: tolerationsOf(template.spec),
        affinity: {
          ...affinity,
          nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: pinned },
        },
      },
    },
    {
      labels: {
        ...template.metadata?.labels,
        ...(generation !== undefined && { [generationLabel]: generation }),
        [hashLabel]: hash,
      },
    },
  );
}

/** Whether a pod is of the template that has this hash. */
export function isUpdated(pod: Pod, set: DaemonSet, hash: string): boolean {
  const { labels } = pod.metadata;
  const generation = templateGeneration(set);
  return labels?.[hashLabel] === hash || (generation !== undefined && labels?.[generationLabel] === generation);
}

/** The node that a pod runs on or is pinned to. */
export function nodeOf({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    const field = matchFields.find((each) => each.key === 'metadata.name' && each.operator === 'In');
    if (field?.values?.length === 1) return field.values[0];
  }
  return undefined;
}

export interface Placement {
  /** A pod should be started here. */
  readonly run: boolean;
  /** A pod that is here may stay. */
  readonly stay: boolean;
}

const nowhere: Placement = { run: false, stay: false };

/** Where the pods of a template belong: by node name, selector, affinity and taints. */
export function placementOf(set: DaemonSet): (node: Node) => Placement {
  const { spec } = set.spec.template;
  if (spec === undefined) return () => nowhere;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const matcher = compileNodeMatcher(spec.nodeSelector, terms);
  const tolerations = tolerationsOf(spec);
  return (node) => {
    if (spec.nodeName && spec.nodeName !== node.metadata.name) return nowhere;
    if (matcher && !matcher.matches(node)) return nowhere;
    const untolerated = (node.spec?.taints ?? []).filter((taint) => !isTolerated(tolerations, taint));
    const evicts = untolerated.some((taint) => taint.effect === 'NoExecute');
    const repels = evicts || untolerated.some((taint) => taint.effect === 'NoSchedule');
    return { run: !repels, stay: !evicts };
  };
}
