import type { HorizontalPodAutoscaler, LabelSelector, MetricSpec } from '@keelson/core';

export interface MetricFailure {
  /** Reason of the event and of the condition `ScalingActive`. */
  readonly reason: string;
  readonly message: string;
  /** How the summary of all metrics begins to speak of this one. */
  readonly summary: string;
}

const noResourceMetrics =
  'unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)';
const noCustomMetrics =
  'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered';

/** What a metric comes to where nobody serves the metrics APIs, in Kubernetes' words. */
export function metricFailure(autoscaler: HorizontalPodAutoscaler, metric: MetricSpec): MetricFailure {
  const { resource, containerResource, pods, object, external } = metric;
  const ofResource = (name: string, utilization: boolean, reason: string): MetricFailure => {
    const what = `failed to get ${name} ${utilization ? 'utilization' : 'usage'}`;
    const message = `${what}: unable to get metrics for resource ${name}: ${noResourceMetrics}`;
    const kind = reason === 'FailedGetContainerResourceMetric' ? 'container resource' : 'resource';
    return { reason, message, summary: `failed to get ${name} ${kind} metric value` };
  };
  if (resource) return ofResource(resource.name, resource.target.type === 'Utilization', 'FailedGetResourceMetric');
  if (containerResource) {
    const byShare = containerResource.target.type === 'Utilization';
    return ofResource(containerResource.name, byShare, 'FailedGetContainerResourceMetric');
  }
  if (pods) {
    const message = `unable to get metric ${pods.metric.name}: ${noCustomMetrics}`;
    return { reason: 'FailedGetPodsMetric', message, summary: 'failed to get pods metric value' };
  }
  const { namespace = '' } = autoscaler.metadata;
  if (object) {
    const { kind, name } = object.describedObject;
    const message = `unable to get metric ${object.metric.name}: ${kind} on ${namespace} ${name}/${noCustomMetrics}`;
    return { reason: 'FailedGetObjectMetric', message, summary: 'failed to get object metric value' };
  }
  if (external) {
    const { name, selector } = external.metric;
    const missing = `unable to fetch metrics from external metrics API: the server could not find the requested resource (get ${name}.external.metrics.k8s.io)`;
    const message = `unable to get external metric ${namespace}/${name}/${selectorText(selector)}: ${missing}`;
    const detail =
      external.target.type === 'AverageValue'
        ? `failed to get ${name} external metric`
        : `failed to get external metric ${name}`;
    return {
      reason: 'FailedGetExternalMetric',
      message,
      summary: `failed to get ${name} external metric value: ${detail}`,
    };
  }
  const message = `unknown metric source type ${JSON.stringify(metric.type)}`;
  return { reason: 'InvalidMetricSourceType', message, summary: message };
}

/** As Go prints a selector in such messages. */
function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return 'nil';
  const labels = Object.entries(selector.matchLabels ?? {})
    .sort()
    .map(([name, value]) => `${name}: ${value},`);
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`;
}
