import type { KubernetesObject } from '@keelson/core';
import { asJson, draftJson, isObject, type Json, type ObjectDraft } from './draft.ts';

/** Two shapes of one object. `toStored` may write into its argument. */
export interface Conversion {
  toStored(object: ObjectDraft): ObjectDraft;
  fromStored(object: KubernetesObject): KubernetesObject;
}

export function conversionFor(
  served: { readonly group: string; readonly version: string; readonly resource: string },
  storage: { readonly group: string; readonly version: string },
): Conversion | undefined {
  if (served.group === 'events.k8s.io' && served.resource === 'events') return events;
  if (served.resource === 'horizontalpodautoscalers' && served.version === 'v1' && storage.version === 'v2') return hpa;
  return undefined;
}

/** events.k8s.io/v1 calls the fields of a core/v1 Event differently (KEP-383). */
const eventNames: readonly (readonly [string, string])[] = [
  ['note', 'message'],
  ['regarding', 'involvedObject'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const events: Conversion = {
  toStored(object) {
    const from = draftJson(object);
    const { metadata, ...rest } = from;
    const result: Json = { ...rest, involvedObject: {}, source: {}, reportingComponent: '', reportingInstance: '' };
    for (const [served, stored] of eventNames) {
      delete result[served];
      if (from[served] !== undefined) result[stored] = from[served];
    }
    if (from['reportingInstance'] !== undefined) result['reportingInstance'] = from['reportingInstance'];
    return { ...result, metadata: object.metadata };
  },
  fromStored(object) {
    const from = asJson(object);
    const result: Json = { ...from };
    for (const [served, stored] of eventNames) {
      delete result[stored];
      if (from[stored] !== undefined) result[served] = from[stored];
    }
    return { ...result, metadata: object.metadata };
  },
};

/** autoscaling/v1 knows only a target of CPU utilization; the rest travels in annotations, as in Kubernetes. */
const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';

const isCpu = (metric: unknown): metric is Json =>
  isObject(metric) &&
  metric['type'] === 'Resource' &&
  isObject(metric['resource']) &&
  metric['resource']['name'] === 'cpu';

const hpa: Conversion = {
  toStored(object) {
    const json = draftJson(object);
    const spec = isObject(json['spec']) ? { ...json['spec'] } : {};
    const { annotations = {} } = object.metadata;
    const target = spec['targetCPUUtilizationPercentage'];
    delete spec['targetCPUUtilizationPercentage'];
    const others: unknown = JSON.parse(annotations[metricsAnnotation] ?? '[]');
    const behavior: unknown = annotations[behaviorAnnotation] && JSON.parse(annotations[behaviorAnnotation]);
    const metrics = [
      ...(target === undefined
        ? []
        : [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
            },
          ]),
      ...(Array.isArray(others) ? others : []),
    ];
    const kept = Object.entries(annotations).filter(([key]) => key !== metricsAnnotation && key !== behaviorAnnotation);
    const metadata = { ...object.metadata, annotations: Object.fromEntries(kept) };
    if (kept.length === 0) delete (metadata as { annotations?: unknown }).annotations;
    return {
      ...json,
      metadata,
      spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(isObject(behavior) && { behavior }) },
    };
  },
  fromStored(object) {
    const json = asJson(object);
    const { metrics, behavior, ...spec } = isObject(json['spec']) ? json['spec'] : ({} as Json);
    const { currentMetrics, conditions, ...status } = isObject(json['status']) ? json['status'] : ({} as Json);
    const list: readonly unknown[] = Array.isArray(metrics) ? metrics : [];
    const cpu = list.find(isCpu);
    const others = list.filter((each) => each !== cpu);
    const target =
      cpu && isObject(cpu['resource']) && isObject(cpu['resource']['target']) ? cpu['resource']['target'] : {};
    const annotations = {
      ...object.metadata.annotations,
      ...(others.length > 0 && { [metricsAnnotation]: JSON.stringify(others) }),
      ...(behavior !== undefined && { [behaviorAnnotation]: JSON.stringify(behavior) }),
      ...(Array.isArray(conditions) && { 'autoscaling.alpha.kubernetes.io/conditions': JSON.stringify(conditions) }),
      ...(Array.isArray(currentMetrics) && {
        'autoscaling.alpha.kubernetes.io/current-metrics': JSON.stringify(currentMetrics),
      }),
    };
    return {
      ...json,
      metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
      spec: {
        ...spec,
        ...(target['averageUtilization'] !== undefined && {
          targetCPUUtilizationPercentage: target['averageUtilization'],
        }),
      },
      status: { currentReplicas: 0, desiredReplicas: 0, ...status },
    };
  },
};
