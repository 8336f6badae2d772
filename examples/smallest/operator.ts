import { Deployment, defineOperator, defineResource } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

export const Website = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Website',
  spec: z.object({ image: z.string(), replicas: z.int().min(0).default(1) }),
  status: z.object({ ready: z.int(), conditions }),
});

export default defineOperator({
  name: 'website',
  for: Website,
  owns: [Deployment],
  async reconcile({ metadata, spec }, { apply, setStatus, setCondition }) {
    const labels = { website: metadata.name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: spec.image }] } };
    const deployment = await apply(Deployment, {
      spec: { replicas: spec.replicas, selector: { matchLabels: labels }, template },
    });
    const ready = deployment.status?.readyReplicas ?? 0;
    setStatus({ ready });
    setCondition('Ready', ready === spec.replicas, 'Replicas', `${ready} of ${spec.replicas} are ready`);
  },
  async finalize({ metadata }, { event }) {
    event('Normal', 'Goodbye', `${metadata.name} goes, and its Deployment with it`);
  },
});
