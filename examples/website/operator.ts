import { Deployment, defineOperator, defineResource, Service } from '@keelson/core';
import { z } from 'zod';

export const Website = defineResource({
  group: 'examples.keelson.dev',
  version: 'v1',
  kind: 'Website',
  spec: z.object({ page: z.string(), replicas: z.int().min(0).max(9).default(2), image: z.string() }),
  status: z.object({ readyReplicas: z.int(), nodePort: z.int() }),
  printerColumns: [{ name: 'Ready', type: 'integer', jsonPath: '.status.readyReplicas' }],
});

const server = `require('http').createServer((_, to) => to.end(process.env.PAGE)).listen(8080, process.env.POD_IP)`;

export default defineOperator({
  name: 'website',
  for: Website,
  owns: [Deployment, Service],
  async reconcile({ metadata, spec }, { apply, setStatus }) {
    const labels = { website: metadata.name };
    const page = { name: 'PAGE', value: spec.page };
    const address = { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } };
    const container = {
      name: 'server',
      image: spec.image,
      command: ['node', '-e', server],
      env: [page, address],
      readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    };
    const template = { metadata: { labels }, spec: { containers: [container] } };
    const selector = { matchLabels: labels };
    const deployment = await apply(Deployment, { spec: { replicas: spec.replicas, selector, template } });
    const ports = [{ port: 80, targetPort: 8080 }];
    const service = await apply(Service, { spec: { type: 'NodePort', selector: labels, ports } });
    const nodePort = service.spec.ports?.[0]?.nodePort ?? 0;
    setStatus({ readyReplicas: deployment.status?.readyReplicas ?? 0, nodePort });
  },
});
