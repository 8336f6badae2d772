import type { Capabilities, Container, Pod, SeccompProfile } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';
import { formatPod } from '../pods/pod-facts.ts';

/** The user that an image names: a number, a name, or nothing (then root). */
export interface ImageUser {
  readonly uid?: number;
  readonly username?: string;
}

const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Throws what a kubelet says when `runAsNonRoot` cannot be kept. */
export function verifyNonRoot(pod: Pod, container: Container, image: ImageUser): void {
  const own = container.securityContext;
  const all = pod.spec.securityContext;
  if ((own?.runAsNonRoot ?? all?.runAsNonRoot) !== true) return;
  const where = `(pod: "${formatPod(pod.metadata)}", container: ${container.name})`;
  const user = own?.runAsUser ?? all?.runAsUser;
  if (user !== undefined) {
    if (user === 0) throw new Error(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image.username) {
    throw new Error(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    );
  }
  if ((image.uid ?? 0) === 0) throw new Error(`container has runAsNonRoot and image will run as root ${where}`);
}

export interface SecurityFacts {
  readonly image: ImageUser;
  /** Where `Localhost` seccomp profiles lie. */
  readonly seccompDir: string;
  /** The container whose process namespace an ephemeral container joins. */
  readonly targetId?: string;
  /** Groups that volumes ask for. */
  readonly volumeGroups: readonly number[];
}

export function containerSecurityContext(
  pod: Pod,
  container: Container,
  facts: SecurityFacts,
): cri.LinuxContainerSecurityContext {
  const own = container.securityContext ?? {};
  const all = pod.spec.securityContext ?? {};
  const privileged = own.privileged === true;
  const user = own.runAsUser ?? all.runAsUser ?? facts.image.uid;
  const group = own.runAsGroup ?? all.runAsGroup;
  const byName = user === undefined && facts.image.username ? { runAsUsername: facts.image.username } : undefined;
  const unmasked = own.procMount === 'Unmasked' || privileged;
  const seLinux = own.seLinuxOptions ?? all.seLinuxOptions;
  const appArmor = own.appArmorProfile ?? all.appArmorProfile;
  return {
    ...(own.capabilities && { capabilities: capabilities(own.capabilities) }),
    privileged,
    namespaceOptions: namespaceOptions(pod, facts.targetId),
    ...(seLinux && { selinuxOptions: seLinux }),
    ...(user !== undefined && { runAsUser: { value: user } }),
    ...byName,
    ...(group !== undefined && (user !== undefined || byName) && { runAsGroup: { value: group } }),
    ...(group !== undefined &&
      user === undefined &&
      !byName && { runAsUser: { value: 0 }, runAsGroup: { value: group } }),
    readonlyRootfs: own.readOnlyRootFilesystem === true,
    supplementalGroups: supplementalGroups(pod, facts.volumeGroups),
    supplementalGroupsPolicy: all.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    seccomp: privileged
      ? { profileType: 'Unconfined' }
      : securityProfile(own.seccompProfile ?? all.seccompProfile, facts.seccompDir),
    ...(appArmor && { apparmor: securityProfile(appArmor, '') }),
  };
}

/** Sandboxes keep to the pod's own settings; the pause process runs as the pod's user. */
export function sandboxSecurityContext(pod: Pod, seccompDir: string): cri.LinuxSandboxSecurityContext {
  const all = pod.spec.securityContext ?? {};
  const privileged = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ].some((each) => each.securityContext?.privileged === true);
  return {
    namespaceOptions: namespaceOptions(pod),
    ...(all.seLinuxOptions && { selinuxOptions: all.seLinuxOptions }),
    ...(all.runAsUser !== undefined && { runAsUser: { value: all.runAsUser } }),
    ...(all.runAsUser !== undefined && all.runAsGroup !== undefined && { runAsGroup: { value: all.runAsGroup } }),
    supplementalGroups: supplementalGroups(pod, []),
    supplementalGroupsPolicy: all.supplementalGroupsPolicy === 'Strict' ? 'Strict' : 'Merge',
    privileged,
    seccomp: privileged
      ? { profileType: 'Unconfined' }
      : securityProfile(all.seccompProfile ?? { type: 'RuntimeDefault' }, seccompDir),
  };
}

export function namespaceOptions(pod: Pod, targetId?: string): cri.NamespaceOption {
  const pid = pod.spec.hostPID === true ? 'NODE' : pod.spec.shareProcessNamespace === true ? 'POD' : 'CONTAINER';
  return {
    network: pod.spec.hostNetwork === true ? 'NODE' : 'POD',
    pid: targetId === undefined ? pid : 'TARGET',
    ipc: pod.spec.hostIPC === true ? 'NODE' : 'POD',
    ...(targetId !== undefined && { targetId }),
  };
}

function supplementalGroups(pod: Pod, volumeGroups: readonly number[]): readonly number[] {
  const { fsGroup, supplementalGroups: named = [] } = pod.spec.securityContext ?? {};
  return [...new Set([...(fsGroup === undefined ? [] : [fsGroup]), ...named, ...volumeGroups])];
}

const bare = (capability: string) => capability.replace(/^CAP_/, '');

function capabilities(spec: Capabilities): cri.Capability {
  return { addCapabilities: (spec.add ?? []).map(bare), dropCapabilities: (spec.drop ?? []).map(bare) };
}

function securityProfile(
  profile: Pick<SeccompProfile, 'type' | 'localhostProfile'> | undefined,
  dir: string,
): cri.SecurityProfile {
  if (profile?.type === 'Localhost') {
    const name = profile.localhostProfile ?? '';
    return { profileType: 'Localhost', localhostRef: dir === '' ? name : `${dir}/${name}` };
  }
  return { profileType: profile?.type === 'RuntimeDefault' ? 'RuntimeDefault' : 'Unconfined' };
}
