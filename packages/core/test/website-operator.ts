import { Deployment, defineOperator, defineResource, type ResourceObject, Service } from '@keelson/core';
import { z } from 'zod';

export const Website = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Website',
  spec: z.object({
    page: z.string(),
    replicas: z.int().min(0).max(50).default(2),
    image: z.string().default('busybox'),
  }),
  status: z.object({ url: z.string(), ready: z.int(), observedGeneration: z.int() }),
  printerColumns: [
    { name: 'Ready', jsonPath: '.status.ready', type: 'integer' },
    { name: 'URL', jsonPath: '.status.url' },
  ],
});
export type Website = ResourceObject<typeof Website>;

export const websiteOperator = defineOperator({
  name: 'website',
  for: Website,
  owns: [Deployment, Service],
  async reconcile({ metadata, spec }, { apply, setStatus }) {
    const labels = { website: metadata.name };
    const command = ['sh', '-c', 'echo "$PAGE" > /tmp/index.html && httpd -f -p 8080 -h /tmp'];
    const container = { name: 'web', image: spec.image, command, env: [{ name: 'PAGE', value: spec.page }] };
    const deployment = await apply(Deployment, {
      spec: {
        replicas: spec.replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    });
    await apply(Service, { spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] } });
    const ready = deployment.status?.readyReplicas ?? 0;
    setStatus({ ready, url: `http://${metadata.name}.${metadata.namespace}.svc` });
  },
});
