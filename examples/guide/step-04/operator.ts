import { ConfigMap, Deployment, defineOperator, Service } from '@keelson/core';
import { Website } from './website.ts';

export default defineOperator({
  name: 'website',
  for: Website,
  dependents: ({ child }) => ({
    page: child(ConfigMap, {
      make: ({ spec }) => ({ data: { 'index.html': spec.page } }),
    }),
    web: child(Deployment, {
      after: ['page'],
      make: ({ metadata, spec }) => ({ spec: webServer(metadata.name, spec.replicas) }),
    }),
    door: child(Service, {
      after: ['web'],
      make: ({ metadata }) => ({ spec: { selector: { website: metadata.name }, ports: [{ port: 80 }] } }),
    }),
  }),
  async reconcile(_, { get, setStatus }) {
    setStatus({ ready: get(Deployment)?.status?.readyReplicas ?? 0 });
  },
});

/** Pods that serve the files of the ConfigMap of this name. */
function webServer(name: string, replicas: number) {
  const labels = { website: name };
  const container = {
    name: 'web',
    image: 'nginx:1.29',
    ports: [{ containerPort: 80 }],
    volumeMounts: [{ name: 'page', mountPath: '/usr/share/nginx/html' }],
  };
  const volumes = [{ name: 'page', configMap: { name } }];
  const template = { metadata: { labels }, spec: { containers: [container], volumes } };
  return { replicas, selector: { matchLabels: labels }, template };
}
