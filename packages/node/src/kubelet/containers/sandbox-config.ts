import type { Pod } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';
import { runtimeLabels } from '../pods/runtime-pod.ts';
import { criDns, type ResolvConf } from './dns.ts';
import { sandboxHostname } from './hosts-file.ts';
import { cpuQuota, cpuShares, podLimits, podRequests } from './resources.ts';
import { sandboxSecurityContext } from './security-context.ts';

export interface SandboxFacts {
  readonly attempt: number;
  readonly logDirectory: string;
  readonly dns: ResolvConf;
  readonly clusterDomain: string;
  /** Empty where the runtime keeps no limits. */
  readonly cgroupParent: string;
  readonly seccompDir: string;
}

const protocols: Readonly<Record<string, cri.Protocol>> = { TCP: 'TCP', UDP: 'UDP', SCTP: 'SCTP' };

/** `<namespace>_<name>_<uid>`: the directory of a pod's logs, under a name that log collectors know. */
export function podLogDirectoryName(pod: { namespace?: string; name: string; uid?: string }): string {
  return `${pod.namespace}_${pod.name}_${pod.uid}`;
}

export function sandboxConfig(pod: Pod, facts: SandboxFacts): cri.PodSandboxConfig {
  const { name, namespace = '', uid = '' } = pod.metadata;
  const requests = podRequests(pod);
  const limits = podLimits(pod);
  const quota = cpuQuota(limits.get('cpu') ?? 0);
  return {
    metadata: { name, namespace, uid, attempt: facts.attempt },
    hostname: sandboxHostname(pod, facts.clusterDomain),
    logDirectory: facts.logDirectory,
    dnsConfig: criDns(facts.dns),
    portMappings: portMappings(pod),
    labels: {
      ...pod.metadata.labels,
      [runtimeLabels.podName]: name,
      [runtimeLabels.podNamespace]: namespace,
      [runtimeLabels.podUid]: uid,
    },
    annotations: { ...pod.metadata.annotations, 'kubernetes.io/config.source': 'api' },
    linux: {
      cgroupParent: facts.cgroupParent,
      securityContext: sandboxSecurityContext(pod, facts.seccompDir),
      sysctls: Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map((each) => [each.name, each.value])),
      resources: {
        cpuPeriod: 100_000,
        cpuShares: cpuShares(requests.get('cpu') ?? 0),
        ...(quota > 0 && { cpuQuota: quota }),
        ...(limits.get('memory') !== undefined && { memoryLimitInBytes: limits.get('memory') }),
      },
    },
  };
}

function portMappings(pod: Pod): readonly cri.PortMapping[] {
  if (pod.spec.hostNetwork === true) return [];
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return containers.flatMap((container) =>
    (container.ports ?? []).map((port) => ({
      protocol: protocols[port.protocol ?? 'TCP'] ?? 'TCP',
      containerPort: port.containerPort,
      hostPort: port.hostPort ?? 0,
      hostIp: port.hostIP ?? '',
    })),
  );
}
