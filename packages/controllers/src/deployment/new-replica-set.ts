import {
  Deployment,
  hashObject,
  type NewObject,
  ownerReferenceTo,
  type PodTemplateSpec,
  type ReplicaSet,
  semanticEqual,
  wellKnown,
} from '@keelson/core';
import { byAge } from './replica-math.ts';
import { revisionAnnotations } from './revisions.ts';
import { sizeAnnotations } from './scaling.ts';

const hashLabel = wellKnown.podTemplateHashLabel;

/** The ReplicaSets of a Deployment: the one whose pods are what the Deployment wants now, and all others. */
export interface Rollout {
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** The oldest ReplicaSet with the Deployment's pod template is the new one; the hash label does not count. */
export function findRollout(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Rollout {
  const current = byAge(replicaSets).find((each) => sameTemplate(each.spec.template, deployment.spec.template));
  return { current, old: replicaSets.filter((each) => each.metadata.uid !== current?.metadata.uid) };
}

export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec): boolean {
  return semanticEqual(withoutHash(a ?? {}), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec): unknown {
  const { labels = {}, ...metadata } = template.metadata ?? { name: '' };
  const { [hashLabel]: _, ...others } = labels;
  const { name: __, ...rest } = metadata;
  return { metadata: { ...rest, labels: others }, spec: template.spec };
}

/** The hash of the template names the ReplicaSet, so that two reconciles cannot create two; a collision changes it. */
export function replicaSetName(deployment: Deployment, collisionCount: number | undefined): string {
  return `${deployment.metadata.name}-${templateHash(deployment, collisionCount)}`;
}

export function templateHash(deployment: Deployment, collisionCount: number | undefined): string {
  return hashObject(deployment.spec.template, collisionCount);
}

export function newReplicaSet(
  deployment: Deployment,
  { revision, replicas }: { readonly revision: bigint; readonly replicas: number },
): NewObject<ReplicaSet> {
  const hash = templateHash(deployment, deployment.status?.collisionCount);
  const { template, selector, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      ...(deployment.metadata.namespace !== undefined && { namespace: deployment.metadata.namespace }),
      labels,
      annotations: { ...revisionAnnotations(deployment, {}, revision), ...sizeAnnotations(deployment) },
      ownerReferences: [ownerReferenceTo(deployment, Deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...(template.metadata ?? { name: '' }), labels } },
    },
  };
}
