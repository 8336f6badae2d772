import { Deployment, defineOperator, defineVersions, mapList, withRules } from '@keelson/core';
import { z } from 'zod';

const Host = z.object({ name: z.string().max(253), tls: z.boolean().default(true) });
const Scaling = withRules(z.object({ min: z.int().min(0), max: z.int().max(50) }), {
  rule: 'self.min <= self.max',
  message: 'min is above max',
  fieldPath: '.min',
});

/** What v1alpha1 cannot say, kept in an annotation. */
const kept = 'example.com/v1';
const Kept = z.object({ hosts: z.array(Host), min: z.int() }).partial();

export const Website = defineVersions({
  group: 'example.com',
  kind: 'Website',
  hub: 'v1',
  versions: {
    v1: {
      spec: z.object({
        page: z.string(),
        hosts: mapList(Host, 'name').max(20).default([]),
        scaling: Scaling.default({ min: 1, max: 2 }),
      }),
      status: z.object({ ready: z.int() }),
    },
    v1alpha1: {
      spec: z.object({ text: z.string(), replicas: z.int().min(0).max(50).default(2) }),
      status: z.object({ ready: z.int() }),
      deprecated: 'example.com/v1alpha1 Website goes with 2.0: write v1',
    },
  },
  conversions: {
    v1alpha1: {
      toHub({ spec: { text, replicas }, status, metadata: { annotations } }) {
        const { hosts = [], min = replicas } = Kept.parse(JSON.parse(annotations?.[kept] ?? '{}'));
        const scaling = { min: Math.min(min, replicas), max: replicas };
        return { spec: { page: text, hosts, scaling }, status };
      },
      fromHub({ spec: { page, hosts, scaling }, status, metadata: { annotations } }) {
        const rest = JSON.stringify({ hosts, min: scaling.min });
        return {
          spec: { text: page, replicas: scaling.max },
          status,
          metadata: { annotations: { ...annotations, [kept]: rest } },
        };
      },
    },
  },
});

export const websiteOperator = defineOperator({
  name: 'website',
  for: Website.v1,
  owns: [Deployment],
  async reconcile({ metadata: { name: app }, spec }, { apply, setStatus }) {
    const containers = [{ name: 'web', image: 'web', args: [spec.page] }];
    const template = { metadata: { labels: { app } }, spec: { containers } };
    const { status } = await apply(Deployment, {
      spec: { replicas: spec.scaling.max, selector: { matchLabels: { app } }, template },
    });
    setStatus({ ready: status?.readyReplicas ?? 0 });
  },
});
