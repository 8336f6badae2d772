import { Deployment, defineOperator, defineResource } from '@keelson/core';
import { conditions } from '@keelson/core/zod';
import { z } from 'zod';

export const __kind__ = defineResource({
  group: '__group__',
  version: 'v1alpha1',
  kind: '__kind__',
  spec: z.object({ image: z.string(), replicas: z.int().min(0).default(1) }),
  status: z.object({ ready: z.int(), conditions }),
  printerColumns: [{ name: 'Ready', jsonPath: '.status.ready', type: 'integer' }],
});

export default defineOperator({
  name: '__name__',
  for: __kind__,
  owns: [Deployment],
  async reconcile({ metadata, spec }, { apply, setStatus, setCondition }) {
    const labels = { '__name__': metadata.name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: spec.image }] } };
    const deployment = await apply(Deployment, {
      spec: { replicas: spec.replicas, selector: { matchLabels: labels }, template },
    });
    const ready = deployment.status?.readyReplicas ?? 0;
    setStatus({ ready });
    setCondition('Ready', ready === spec.replicas, 'Replicas', `${ready} of ${spec.replicas} are ready`);
  },
});
