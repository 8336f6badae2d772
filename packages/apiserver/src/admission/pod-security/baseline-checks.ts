import { judgeAppArmor } from './app-armor.ts';
import { addedCapabilities, defaultCapabilities } from './capabilities.ts';
import { judgeProbeHosts } from './probe-hosts.ts';
import { judgeSeLinux } from './se-linux.ts';
import { judgeSeccompAnnotations, judgeSeccompFields } from './seccomp.ts';
import {
  type Check,
  containersOf,
  containersText,
  hasUserNamespace,
  type Judge,
  namesWhere,
  plural,
  quoted,
  settersText,
  sortedSet,
} from './subject.ts';

const capabilities: Judge = (subject) => {
  const { names, added } = addedCapabilities(subject, defaultCapabilities);
  if (names.length === 0) return undefined;
  const detail = `${containersText(names)} must not include ${quoted(added)} in securityContext.capabilities.add`;
  return { reason: 'non-default capabilities', detail };
};

const hostNamespaces: Judge = ({ spec }) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((each) => spec[each]);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((each) => `${each}=true`).join(', ') };
};

const hostPathVolumes: Judge = ({ spec }) => {
  const names = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (names.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume')} ${quoted(names)}` };
};

const hostPorts: Judge = (subject) => {
  const ports = new Set<string>();
  const names = namesWhere(subject, (container) => {
    const taken = (container.ports ?? []).filter(({ hostPort }) => hostPort);
    for (const { hostPort } of taken) ports.add(String(hostPort));
    return taken.length > 0;
  });
  if (names.length === 0) return undefined;
  const verb = plural(names.length, 'uses', 'use');
  const numbers = `${plural(ports.size, 'hostPort')} ${sortedSet(ports).join(', ')}`;
  return { reason: 'hostPort', detail: `${containersText(names)} ${verb} ${numbers}` };
};

const privileged: Judge = (subject) => {
  const names = namesWhere(subject, ({ securityContext }) => securityContext?.privileged === true);
  if (names.length === 0) return undefined;
  return { reason: 'privileged', detail: `${containersText(names)} must not set securityContext.privileged=true` };
};

export const judgeProcMount: Judge = (subject) => {
  const types = new Set<string>();
  const names = namesWhere(subject, ({ securityContext }) => {
    const type = securityContext?.procMount;
    if (type === undefined || type === 'Default') return false;
    types.add(type);
    return true;
  });
  if (names.length === 0) return undefined;
  const detail = `${containersText(names)} must not set securityContext.procMount to ${quoted(sortedSet(types))}`;
  return { reason: 'procMount', detail };
};

const sysctlsSince: readonly (readonly [since: number, names: readonly string[]])[] = [
  [
    0,
    [
      'kernel.shm_rmid_forced',
      'net.ipv4.ip_local_port_range',
      'net.ipv4.tcp_syncookies',
      'net.ipv4.ping_group_range',
      'net.ipv4.ip_unprivileged_port_start',
    ],
  ],
  [27, ['net.ipv4.ip_local_reserved_ports']],
  [
    29,
    [
      'net.ipv4.tcp_keepalive_time',
      'net.ipv4.tcp_fin_timeout',
      'net.ipv4.tcp_keepalive_intvl',
      'net.ipv4.tcp_keepalive_probes',
    ],
  ],
  [32, ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']],
];

const sysctls = sysctlsSince.map(([since], at): readonly [number, Judge] => {
  const allowed = new Set(sysctlsSince.slice(0, at + 1).flatMap(([, names]) => names));
  const judge: Judge = ({ spec }) => {
    const names = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !allowed.has(name));
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') };
  };
  return [since, judge];
});

const windowsHostProcess: Judge = (subject) => {
  const names = containersOf(subject)
    .filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
    .map(({ name }) => name);
  const who = settersText(subject.spec.securityContext?.windowsOptions?.hostProcess === true, names);
  if (who === undefined) return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
};

/** kubernetes.io/docs/concepts/security/pod-security-standards, Baseline. */
export const baselineChecks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [[0, judgeAppArmor]] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [[0, capabilities]] },
  { id: 'hostNamespaces', level: 'baseline', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', level: 'baseline', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [[34, judgeProbeHosts]] },
  { id: 'privileged', level: 'baseline', versions: [[0, privileged]] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      [0, judgeProcMount],
      [35, (subject) => (hasUserNamespace(subject) ? undefined : judgeProcMount(subject))],
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      [0, judgeSeLinux(['container_t', 'container_init_t', 'container_kvm_t'])],
      [31, judgeSeLinux(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'])],
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      [0, judgeSeccompAnnotations],
      [19, judgeSeccompFields],
    ],
  },
  { id: 'sysctls', level: 'baseline', versions: sysctls },
  { id: 'windowsHostProcess', level: 'baseline', versions: [[0, windowsHostProcess]] },
];
