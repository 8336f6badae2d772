import type { HorizontalPodAutoscaler } from '@keelson/core';
import { z } from 'zod';
import { none } from './format.ts';

const unknown = '<unknown>';

type Spec = NonNullable<NonNullable<HorizontalPodAutoscaler['spec']>['metrics']>[number];
type Status = NonNullable<NonNullable<HorizontalPodAutoscaler['status']>['currentMetrics']>[number];

interface Target {
  readonly averageUtilization?: number;
  readonly averageValue?: string;
  readonly value?: string;
}

/** TARGETS of an autoscaler: current over wanted, the first two metrics. */
export function autoscalerTargets(autoscaler: HorizontalPodAutoscaler): string {
  const metrics = autoscaler.spec?.metrics ?? [];
  if (metrics.length === 0) return olderTarget(autoscaler);
  const texts = metrics.map((metric, index) => describe(metric, autoscaler.status?.currentMetrics?.[index]));
  if (texts.length <= 2) return texts.join(', ');
  return `${texts.slice(0, 2).join(', ')} + ${texts.length - 2} more...`;
}

/** autoscaling/v1 knows CPU utilization only, and has fields of its own for it. */
const Older = z.object({
  spec: z.object({ targetCPUUtilizationPercentage: z.number() }),
  status: z.object({ currentCPUUtilizationPercentage: z.number().nullish() }).nullish(),
});

function olderTarget(autoscaler: HorizontalPodAutoscaler): string {
  const read = Older.safeParse(autoscaler);
  if (!read.success) return none;
  const { spec, status } = read.data;
  const current = status?.currentCPUUtilizationPercentage;
  const target = { averageUtilization: spec.targetCPUUtilizationPercentage };
  return `cpu: ${ratio(current == null ? undefined : { averageUtilization: current }, target)}`;
}

function describe(metric: Spec, status: Status | undefined): string {
  switch (metric.type) {
    case 'Resource': {
      const name = metric.resource?.name ?? '';
      return `${name}: ${ratio(status?.resource?.current, metric.resource?.target)}`;
    }
    case 'ContainerResource': {
      const name = metric.containerResource?.name ?? '';
      return `${name}: ${ratio(status?.containerResource?.current, metric.containerResource?.target)}`;
    }
    case 'External':
      return ratio(status?.external?.current, metric.external?.target, ' (avg)');
    case 'Object':
      return ratio(status?.object?.current, metric.object?.target, ' (avg)');
    default:
      return ratio(status?.pods?.current, metric.pods?.target);
  }
}

function ratio(current: Target | undefined, target: Target | undefined, average = ''): string {
  if (target?.averageUtilization !== undefined) {
    const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
    return `${now}/${target.averageUtilization}%`;
  }
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}${average}`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}
