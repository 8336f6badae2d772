import { ConfigMap, Deployment, defineExternal, defineOperator, Service } from '@keelson/core';
import { type Dns, httpDns, MemoryDns } from './dns.ts';
import { Website } from './website.ts';

export function websiteOperator(dns: Dns) {
  const name = defineExternal(Website.v1, {
    observe: async (_, { id }) => (await dns.list()).find(({ owner }) => owner === id),
    create: ({ metadata, spec }, { id }) =>
      dns.put({ host: `${spec.host}`, target: `${metadata.name}.${metadata.namespace}`, owner: id }),
    differs: ({ spec }, record) => record.host !== spec.host,
    async update({ spec }, record) {
      await dns.remove(record.host);
      await dns.put({ ...record, host: `${spec.host}` });
    },
    delete: ({ host }) => dns.remove(host),
    isOurs: ({ owner }, { id }) => owner === id,
  });

  return defineOperator({
    name: 'website',
    for: Website.v1,
    dependents: ({ child, external }) => ({
      name: external(name, { when: ({ spec }) => spec.host !== undefined }),
      page: child(ConfigMap, {
        make: ({ spec }) => ({ data: spec.pages }),
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
    async reconcile(_, { get, observed, setStatus }) {
      setStatus({ host: observed(name)?.host ?? '', ready: get(Deployment)?.status?.readyReplicas ?? 0 });
    },
  });
}

const url = process.env['DNS_URL'];
export default websiteOperator(url ? httpDns(url) : new MemoryDns());

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
