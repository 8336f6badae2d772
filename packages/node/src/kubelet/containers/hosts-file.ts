import type { HostAlias, Pod } from '@keelson/core/api';

/** `/etc/hosts` of a pod (kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods), as a kubelet writes it. */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, hostFile: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(aliasLine).join('');
  const added = aliases === '' ? '' : `\n# Entries added by HostAliases.\n${aliases}`;
  if (pod.spec.hostNetwork === true) return `# Kubernetes-managed hosts file (host network).\n${hostFile}${added}`;
  const hostname = podHostname(pod);
  const full = fullName(pod, clusterDomain);
  const own = podIps.map((ip) => (full === undefined ? `${ip}\t${hostname}\n` : `${ip}\t${full}\t${hostname}\n`));
  return `# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n${own.join('')}${added}`;
}

function aliasLine(alias: HostAlias): string {
  return `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}\n`;
}

function fullName(pod: Pod, clusterDomain: string): string | undefined {
  if (!pod.spec.subdomain) return undefined;
  return `${podHostname(pod)}.${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}`;
}

/** The name inside a pod: its `hostname` or its name, cut to 63 characters. */
export function podHostname(pod: Pod): string {
  return (pod.spec.hostname || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
}

/** What the sandbox is called: nothing on the host's network, and the full name where the pod asks for it. */
export function sandboxHostname(pod: Pod, clusterDomain: string): string {
  if (pod.spec.hostnameOverride) return pod.spec.hostnameOverride;
  if (pod.spec.hostNetwork === true) return '';
  if (pod.spec.setHostnameAsFQDN === true) return fullName(pod, clusterDomain) ?? podHostname(pod);
  return podHostname(pod);
}
