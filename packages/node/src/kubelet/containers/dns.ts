import type { Pod } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';

export interface ResolvConf {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface ClusterDns {
  /** Addresses of the cluster's DNS service; none where there is no cluster DNS. */
  readonly servers: readonly string[];
  /** For example `cluster.local`. */
  readonly domain: string;
}

export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0]) servers.push(rest[0]);
    if (word === 'search') searches = rest.map((each) => (each === '.' ? each : each.replace(/\.$/, '')));
    if (word === 'options') options = rest;
  }
  return { servers, searches, options };
}

const unique = (items: readonly string[]) => [...new Set(items)];

/** kubernetes.io/docs/concepts/services-networking/dns-pod-service: policy, `dnsConfig`, and the limits 3, 32 and 2048. */
export function podDns(pod: Pod, cluster: ClusterDns, host: ResolvConf): ResolvConf {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  const useCluster =
    cluster.servers.length > 0 &&
    (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec.hostNetwork !== true));
  const base =
    policy === 'None' ? { servers: [], searches: [], options: [] } : useCluster ? inCluster(pod, cluster, host) : host;
  const extra = pod.spec.dnsConfig;
  const options = new Map(base.options.map((each) => [each.split(':')[0] ?? each, each]));
  for (const { name = '', value } of extra?.options ?? [])
    options.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(extra?.nameservers ?? [])]).slice(0, 3),
    searches: fitting(unique([...base.searches, ...(extra?.searches ?? [])])),
    options: [...options.values()],
  };
}

function inCluster(pod: Pod, cluster: ClusterDns, host: ResolvConf): ResolvConf {
  const { domain } = cluster;
  return {
    servers: cluster.servers,
    searches: [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
    options: ['ndots:5'],
  };
}

function fitting(searches: readonly string[]): readonly string[] {
  const kept: string[] = [];
  let length = 0;
  for (const each of searches.slice(0, 32)) {
    length += each.length + 1;
    if (length > 2048) break;
    kept.push(each);
  }
  return kept;
}

export function criDns(dns: ResolvConf): cri.DNSConfig {
  return { servers: dns.servers, searches: dns.searches, options: dns.options };
}
