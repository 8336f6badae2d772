import { ConfigMap, Deployment, defineOperator } from '@keelson/core';
import { Website } from './website.ts';

export default defineOperator({
  name: 'website',
  for: Website,
  owns: [ConfigMap, Deployment],
  async reconcile({ metadata, spec }, { apply, setStatus, setCondition }) {
    await apply(ConfigMap, { data: { 'index.html': spec.page } });
    const deployment = await apply(Deployment, { spec: webServer(metadata.name, spec.replicas) });

    const ready = deployment.status?.readyReplicas ?? 0;
    setStatus({ ready });
    setCondition('Ready', ready === spec.replicas, 'Pods', `${ready} of ${spec.replicas} are ready`);
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
