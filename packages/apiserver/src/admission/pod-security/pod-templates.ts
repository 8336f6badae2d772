import {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  type KubernetesObject,
  PodTemplate,
  type PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  type ResourceType,
  StatefulSet,
} from '@keelson/core';

type TemplateOf = (object: KubernetesObject) => PodTemplateSpec | undefined;

/** Entry of a kind; what is looked into has been decoded as that kind. */
function of<T extends KubernetesObject>(
  type: ResourceType<T>,
  templateOf: (object: T) => PodTemplateSpec | undefined,
): readonly [ResourceType<T>, TemplateOf] {
  return [type, (object) => templateOf(object as T)];
}

/** Kinds that pods are made from. */
const kinds = [
  of(PodTemplate, ({ template }) => template),
  of(ReplicationController, ({ spec }) => spec?.template),
  of(ReplicaSet, ({ spec }) => spec?.template),
  of(Deployment, ({ spec }) => spec?.template),
  of(StatefulSet, ({ spec }) => spec?.template),
  of(DaemonSet, ({ spec }) => spec?.template),
  of(Job, ({ spec }) => spec?.template),
  of(CronJob, ({ spec }) => spec?.jobTemplate?.spec?.template),
] as const;

export const templateKinds: readonly Pick<ResourceType<KubernetesObject>, 'group' | 'plural'>[] = kinds.map(
  ([type]) => type,
);

const byResource: ReadonlyMap<string, TemplateOf> = new Map(
  kinds.map(([{ group, plural }, templateOf]) => [`${group}/${plural}`, templateOf]),
);

/** The template in an object of these kinds. */
export function podTemplateIn(group: string, resource: string, object: KubernetesObject): PodTemplateSpec | undefined {
  return byResource.get(`${group}/${resource}`)?.(object);
}
