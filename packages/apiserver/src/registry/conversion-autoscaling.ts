import type { KubernetesObject } from '@keelson/core';
import { inGoOrder } from '../schema/index.ts';
import type { Conversion } from './conversion-contract.ts';
import { asJson, draftJson, isObject, type Json, type ObjectDraft } from './draft.ts';

/**
 * autoscaling/v1 knows one target, the utilization of CPU; the rest travels in annotations, so that a client of v1 loses
 * nothing. Metrics are in the form of autoscaling/v2beta1 there, behavior in that of Kubernetes' own memory.
 */
const prefix = 'autoscaling.alpha.kubernetes.io/';
const definition = 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler';
const annotationNames = ['metrics', 'behavior', 'conditions', 'current-metrics'].map((each) => prefix + each);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const record = (value: unknown): Json => (isObject(value) ? value : {});
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
/** Only what is there: absent fields must not become keys. */
function given(values: Json): Json {
  return Object.fromEntries(Object.entries(values).filter(([, each]) => each !== undefined && each !== null));
}

/** Where the amounts of a metric stand: those wished for in the spec, and those that are in the status. */
interface Amounts {
  readonly in: 'target' | 'current';
  readonly utilization: string;
  readonly averageValue: string;
  readonly value: string;
}
const targets: Amounts = {
  in: 'target',
  utilization: 'targetAverageUtilization',
  averageValue: 'targetAverageValue',
  value: 'targetValue',
};
const currents: Amounts = {
  in: 'current',
  utilization: 'currentAverageUtilization',
  averageValue: 'currentAverageValue',
  value: 'currentValue',
};

/** Sources of metrics in the order in which Go writes them; where an old one is no pointer, nothing is a zero. */
const sourceNames = ['object', 'pods', 'resource', 'containerResource', 'external'] as const;

function toOldSource(name: (typeof sourceNames)[number], own: Json, amounts: Amounts): Json {
  const { value, averageValue, averageUtilization } = record(own[amounts.in]);
  const { name: metricName, selector } = record(own['metric']);
  const status = amounts.in === 'current';
  switch (name) {
    case 'object':
      return given({
        target: own['describedObject'],
        metricName: text(metricName),
        [amounts.value]: value ?? '0',
        selector,
        averageValue,
      });
    case 'pods':
      return given({ metricName: text(metricName), [amounts.averageValue]: averageValue ?? '0', selector });
    case 'external':
      return given({
        metricName: text(metricName),
        metricSelector: selector,
        [amounts.value]: value ?? (status ? '0' : undefined),
        [amounts.averageValue]: averageValue,
      });
    default:
      return given({
        name: text(own['name']),
        [amounts.utilization]: averageUtilization,
        [amounts.averageValue]: averageValue ?? (status ? '0' : undefined),
        ...(name === 'containerResource' && { container: text(own['container']) }),
      });
  }
}

function toOldMetric(metric: Json, amounts: Amounts): Json {
  const own = sourceNames.flatMap((name) => {
    const source = metric[name];
    return isObject(source) ? [[name, toOldSource(name, source, amounts)] as const] : [];
  });
  return { type: text(metric['type']), ...Object.fromEntries(own) };
}

function fromOldSource(name: (typeof sourceNames)[number], old: Json, amounts: Amounts): Json {
  const value = old[amounts.value];
  const averageValue = old[name === 'object' ? 'averageValue' : amounts.averageValue];
  const averageUtilization = old[amounts.utilization];
  const byValue = averageValue === undefined && value !== undefined;
  const type = averageUtilization !== undefined ? 'Utilization' : byValue ? 'Value' : 'AverageValue';
  const amount = given({ ...(amounts.in === 'target' && { type }), value, averageValue, averageUtilization });
  const metric = given({
    name: text(old['metricName']),
    selector: old[name === 'external' ? 'metricSelector' : 'selector'],
  });
  switch (name) {
    case 'object':
      return { describedObject: record(old['target']), metric, [amounts.in]: amount };
    case 'pods':
    case 'external':
      return { metric, [amounts.in]: amount };
    case 'containerResource':
      return { name: text(old['name']), container: text(old['container']), [amounts.in]: amount };
    default:
      return { name: text(old['name']), [amounts.in]: amount };
  }
}

function fromOldMetric(metric: Json, amounts: Amounts): Json {
  const own = sourceNames.flatMap((name) => {
    const source = metric[name];
    return isObject(source) ? [[name, fromOldSource(name, source, amounts)] as const] : [];
  });
  return { type: text(metric['type']), ...Object.fromEntries(own) };
}

const rules: readonly (readonly [string, string])[] = [
  ['stabilizationWindowSeconds', 'StabilizationWindowSeconds'],
  ['selectPolicy', 'SelectPolicy'],
  ['tolerance', 'Tolerance'],
];

function toInternalRules(value: unknown): Json | null {
  if (!isObject(value)) return null;
  const policies = list(value['policies']).map((each) => ({
    Type: each['type'],
    Value: each['value'],
    PeriodSeconds: each['periodSeconds'],
  }));
  const [window, select, tolerance] = rules.map(([name]) => value[name] ?? null);
  return {
    StabilizationWindowSeconds: window,
    SelectPolicy: select,
    Policies: policies.length > 0 ? policies : null,
    Tolerance: tolerance,
  };
}

function fromInternalRules(value: unknown): Json | undefined {
  if (!isObject(value)) return undefined;
  const policies = list(value['Policies']).map((each) =>
    given({ type: each['Type'], value: each['Value'], periodSeconds: each['PeriodSeconds'] }),
  );
  return given({
    ...Object.fromEntries(rules.map(([name, internal]) => [name, value[internal]])),
    ...(policies.length > 0 && { policies }),
  });
}

function parsed(source: string | undefined): unknown {
  if (source === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(source);
    return value;
  } catch {
    // An annotation that cannot be read is ignored, as Kubernetes does.
    return undefined;
  }
}

const isCpuUtilization = (metric: Json, amounts: Amounts) => {
  const { name, [amounts.in]: amount } = record(metric['resource']);
  return metric['type'] === 'Resource' && name === 'cpu' && record(amount)['averageUtilization'] !== undefined;
};
const utilizationOf = (metric: Json | undefined, amounts: Amounts) =>
  record(record(metric?.['resource'])[amounts.in])['averageUtilization'];

export const autoscaling: Conversion = {
  toStored(object: ObjectDraft): ObjectDraft {
    const json = draftJson(object);
    const { annotations = {} } = object.metadata;
    const { targetCPUUtilizationPercentage: target, ...spec } = record(json['spec']);
    const { currentCPUUtilizationPercentage: current, ...status } = record(json['status']);
    const of = (name: string) => parsed(annotations[prefix + name]);
    const cpu = {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
    };
    const metrics = [
      ...list(of('metrics')).map((each) => fromOldMetric(each, targets)),
      ...(target === undefined ? [] : [cpu]),
    ];
    const behavior = of('behavior');
    const ownBehavior = isObject(behavior)
      ? given({ scaleUp: fromInternalRules(behavior['ScaleUp']), scaleDown: fromInternalRules(behavior['ScaleDown']) })
      : undefined;
    const currentMetrics = list(of('current-metrics')).map((each) => fromOldMetric(each, currents));
    const cpuNow = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } };
    if (currentMetrics.length === 0 && current !== undefined) currentMetrics.push(cpuNow);
    const conditions = list(of('conditions'));
    const kept = Object.entries(annotations).filter(([name]) => !annotationNames.includes(name));
    const { annotations: _, ...metadata } = object.metadata;
    return {
      ...json,
      metadata: { ...metadata, ...(kept.length > 0 && { annotations: Object.fromEntries(kept) }) },
      spec: { ...spec, ...(metrics.length > 0 && { metrics }), ...(ownBehavior && { behavior: ownBehavior }) },
      status: statusOf(status, currentMetrics, conditions),
    };
  },
  fromStored(object: KubernetesObject): KubernetesObject {
    const json = record(inGoOrder(definition, asJson(object)));
    const { metrics, behavior, ...spec } = record(json['spec']);
    const { currentMetrics, conditions, ...status } = record(json['status']);
    const cpu = list(metrics).find((each) => isCpuUtilization(each, targets));
    const others = list(metrics).filter((each) => !isCpuUtilization(each, targets));
    const now = list(currentMetrics).find((each) => isCpuUtilization(each, currents));
    const write = (name: string, value: unknown) => ({ [prefix + name]: JSON.stringify(value) });
    const annotations = {
      ...object.metadata.annotations,
      ...(others.length > 0 &&
        write(
          'metrics',
          others.map((each) => toOldMetric(each, targets)),
        )),
      ...(isObject(behavior) &&
        write('behavior', {
          ScaleUp: toInternalRules(behavior['scaleUp']),
          ScaleDown: toInternalRules(behavior['scaleDown']),
        })),
      ...(list(currentMetrics).length > 0 &&
        write(
          'current-metrics',
          list(currentMetrics).map((each) => toOldMetric(each, currents)),
        )),
      ...(list(conditions).length > 0 && write('conditions', conditions)),
    };
    const converted: KubernetesObject & Json = {
      ...json,
      metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 && { annotations }) },
      spec: given({ ...spec, targetCPUUtilizationPercentage: utilizationOf(cpu, targets) }),
      status: given({
        currentReplicas: 0,
        desiredReplicas: 0,
        ...status,
        currentCPUUtilizationPercentage: utilizationOf(now, currents),
      }),
    };
    return converted;
  },
};

function statusOf(status: Json, currentMetrics: readonly Json[], conditions: readonly Json[]): Json {
  return {
    ...given({ observedGeneration: status['observedGeneration'], lastScaleTime: status['lastScaleTime'] }),
    ...(status['currentReplicas'] ? { currentReplicas: status['currentReplicas'] } : {}),
    desiredReplicas: status['desiredReplicas'] ?? 0,
    currentMetrics: currentMetrics.length > 0 ? currentMetrics : null,
    ...(conditions.length > 0 && { conditions }),
  };
}
