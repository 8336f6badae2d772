import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { isJsonArray, isJsonObject } from '../machinery/index.ts';

type Fields = Readonly<Record<string, unknown>>;
type Rule = (spec: Fields, status: Fields) => boolean;

/**
 * Whether a child does its work, where its dependent does not say so itself: built-in kinds by what their controllers
 * report, as `kubectl rollout status` and `kubectl wait` look at it; others by their condition `Ready`, if they have
 * one. What is going, or has not been seen by its controller since its last change, is not ready.
 */
export function isReady({ group, kind }: Pick<ResourceType, 'group' | 'kind'>, object: KubernetesObject): boolean {
  const { deletionTimestamp, generation } = object.metadata;
  if (deletionTimestamp !== undefined) return false;
  const spec = fieldsOf('spec' in object ? object.spec : undefined);
  const status = fieldsOf('status' in object ? object.status : undefined);
  const rule = rules[`${kind}.${group}`];
  const seen = status['observedGeneration'];
  if (typeof seen === 'number' && generation !== undefined && seen < generation) return false;
  if (counted.has(`${kind}.${group}`) && seen === undefined) return false;
  return rule ? rule(spec, status) : conditionOf(status, 'Ready') !== false;
}

/** Their controllers report which generation they have seen; before that their numbers mean nothing. */
const counted = new Set(['Deployment.apps', 'StatefulSet.apps', 'DaemonSet.apps', 'ReplicaSet.apps']);

const rules: Readonly<Record<string, Rule>> = {
  'Deployment.apps': (spec, status) => {
    const wanted = numberOf(spec['replicas'], 1);
    return (
      numberOf(status['updatedReplicas']) >= wanted &&
      numberOf(status['availableReplicas']) >= wanted &&
      numberOf(status['replicas']) <= numberOf(status['updatedReplicas'])
    );
  },
  'StatefulSet.apps': (spec, status) => {
    const wanted = numberOf(spec['replicas'], 1);
    const { type, rollingUpdate } = fieldsOf(spec['updateStrategy']);
    const updated = type === 'OnDelete' ? 0 : wanted - numberOf(fieldsOf(rollingUpdate)['partition']);
    const reached = numberOf(status['readyReplicas']) >= wanted && numberOf(status['replicas']) >= wanted;
    return reached && (updated <= 0 || numberOf(status['updatedReplicas']) >= updated);
  },
  'DaemonSet.apps': (spec, status) => {
    const wanted = numberOf(status['desiredNumberScheduled']);
    const anyVersion = fieldsOf(spec['updateStrategy'])['type'] === 'OnDelete';
    const available = numberOf(status['numberAvailable']) >= wanted;
    return available && (anyVersion || numberOf(status['updatedNumberScheduled']) >= wanted);
  },
  'ReplicaSet.apps': (spec, status) => numberOf(status['availableReplicas']) >= numberOf(spec['replicas'], 1),
  'Job.batch': (_, status) => conditionOf(status, 'Complete') === true,
  'Pod.': (_, status) => status['phase'] === 'Succeeded' || conditionOf(status, 'Ready') === true,
  'Service.': (spec, status) => {
    if (spec['type'] !== 'LoadBalancer') return true;
    const { ingress } = fieldsOf(status['loadBalancer']);
    return isJsonArray(ingress) && ingress.length > 0;
  },
  'Namespace.': (_, status) => status['phase'] !== 'Terminating',
  'CustomResourceDefinition.apiextensions.k8s.io': (_, status) => conditionOf(status, 'Established') === true,
  'APIService.apiregistration.k8s.io': (_, status) => conditionOf(status, 'Available') === true,
};

function fieldsOf(value: unknown): Fields {
  return isJsonObject(value) ? value : {};
}

function numberOf(value: unknown, otherwise = 0): number {
  return typeof value === 'number' ? value : otherwise;
}

/** `undefined` where there is no such condition. */
function conditionOf({ conditions }: Fields, type: string): boolean | undefined {
  if (!isJsonArray(conditions)) return undefined;
  const found = conditions.find((each) => isJsonObject(each) && each['type'] === type);
  return isJsonObject(found) ? found['status'] === 'True' : undefined;
}
