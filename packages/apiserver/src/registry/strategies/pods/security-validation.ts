import {
  type AppArmorProfile,
  type Container,
  type PodSecurityContext,
  type PodSpec,
  type SeccompProfile,
  validateDnsSubdomain,
  type WindowsSecurityContextOptions,
} from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkDescendingPath, checkId, checkOneOf } from '../checks.ts';
import { inGo } from '../go-internal.ts';

const profiles = ['Localhost', 'RuntimeDefault', 'Unconfined'];

export function validateSeccompProfile(profile: SeccompProfile | undefined, at: string, errors: FieldErrors): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) errors.required(`${at}.type`, 'type is required when seccompProfile is set');
  else checkOneOf(`${at}.type`, type, profiles, errors);
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.required(`${at}.localhostProfile`, 'must be set when seccomp type is Localhost');
    } else checkDescendingPath(localhostProfile, `${at}.localhostProfile`, errors);
  } else if (localhostProfile !== undefined) {
    const shown = inGo('SeccompProfile', profile);
    errors.invalid(`${at}.localhostProfile`, shown, 'can only be set when seccomp type is Localhost');
  }
}

const longestProfile = 4095;

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, at: string, errors: FieldErrors): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  const field = `${at}.localhostProfile`;
  if (!type) errors.required(`${at}.type`, 'type is required when appArmorProfile is set');
  else if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.required(field, 'must be set when AppArmor type is Localhost');
      return;
    }
    if (localhostProfile.trim() !== localhostProfile) {
      errors.invalid(field, localhostProfile, 'must not be padded with whitespace');
    } else if (localhostProfile === '') errors.required(field, 'must be set when AppArmor type is Localhost');
    if (localhostProfile.length > longestProfile) errors.tooLong(field, longestProfile);
  } else {
    checkOneOf(`${at}.type`, type, profiles, errors);
    if (localhostProfile !== undefined && profiles.includes(type)) {
      errors.invalid(field, localhostProfile, 'can only be set when AppArmor type is Localhost');
    }
  }
}

const longestSpec = 64 * 1024;
const controlCharacter = /[\0-\x1f\x7f-\x9f]/;
const badUserCharacter = /["/\\:;|=,+*?<>@[\]]/;

export function validateWindowsOptions(
  options: WindowsSecurityContextOptions | undefined,
  at: string,
  errors: FieldErrors,
): void {
  if (!options) return;
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  if (specName !== undefined) errors.rule(`${at}.gmsaCredentialSpecName`, specName, validateDnsSubdomain(specName));
  if (spec !== undefined) {
    if (spec === '') errors.invalid(`${at}.gmsaCredentialSpec`, spec, 'gmsaCredentialSpec cannot be an empty string');
    else if (spec.length > longestSpec) {
      errors.invalid(
        `${at}.gmsaCredentialSpec`,
        spec,
        `gmsaCredentialSpec size must be under ${longestSpec / 1024} KiB`,
      );
    }
  }
  if (user !== undefined) validateWindowsUser(user, `${at}.runAsUserName`, errors);
}

/** `DOMAIN\user`, as Windows takes it (learn.microsoft.com: naming conventions in Active Directory). */
function validateWindowsUser(name: string, at: string, errors: FieldErrors): void {
  const bad = (why: string) => errors.invalid(at, name, why);
  if (name === '') {
    bad('runAsUserName cannot be an empty string');
    return;
  }
  if (controlCharacter.test(name)) {
    bad('runAsUserName cannot contain control characters');
    return;
  }
  const parts = name.split('\\');
  if (parts.length > 2) {
    bad('runAsUserName cannot contain more than one backslash');
    return;
  }
  const user = parts.at(-1) ?? '';
  if (parts.length === 2) validateWindowsDomain(parts[0] ?? '', bad);
  if (user === '') bad("runAsUserName's User cannot be empty");
  else if (user.length > 104) bad("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) bad("runAsUserName's User cannot contain only periods or spaces");
  if (badUserCharacter.test(user)) {
    bad('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  }
}

const netBiosName = /^[^\\/:*?"<>|.]{1,15}$/;
const dnsName = /^[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)*$/;

function validateWindowsDomain(domain: string, bad: (why: string) => void): void {
  if (domain === '') {
    bad("runAsUserName's Domain doesn't match the NetBIOS nor the DNS format");
    return;
  }
  if (domain.startsWith('.')) bad("runAsUserName's NetBIOS Domain cannot start with a period");
  else if (!netBiosName.test(domain) && !dnsName.test(domain)) {
    bad("runAsUserName's Domain doesn't match the NetBIOS nor the DNS format");
  }
}

export function validateSecurityContext(
  { securityContext: context }: Pick<Container, 'securityContext'>,
  hostUsers: boolean,
  at: string,
  errors: FieldErrors,
): void {
  if (!context) return;
  const here = `${at}.securityContext`;
  checkId(`${here}.runAsUser`, context.runAsUser, errors);
  checkId(`${here}.runAsGroup`, context.runAsGroup, errors);
  if (context.procMount !== undefined) {
    if (context.procMount !== 'Default' && context.procMount !== 'Unmasked') {
      errors.notSupported(`${here}.procMount`, context.procMount, ['Default', 'Unmasked']);
    } else if (hostUsers && context.procMount === 'Unmasked') {
      errors.invalid(`${here}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  validateSeccompProfile(context.seccompProfile, `${here}.seccompProfile`, errors);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      errors.invalid(
        here,
        inGo('SecurityContext', context),
        'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      );
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      const why = 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN';
      errors.invalid(here, inGo('SecurityContext', context), why);
    }
  }
  validateWindowsOptions(context.windowsOptions, `${here}.windowsOptions`, errors);
  validateAppArmorProfile(context.appArmorProfile, `${here}.appArmorProfile`, errors);
}

const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const slashes = (name: string) => {
  const first = name.search(/[./]/);
  if (first < 0 || name[first] === '.') return name;
  return [...name].map((each) => (each === '/' ? '.' : each === '.' ? '/' : each)).join('');
};

function validateSysctls(context: PodSecurityContext, spec: PodSpec, at: string, errors: FieldErrors): void {
  const seen = new Set<string>();
  context.sysctls?.forEach(({ name }, index) => {
    const here = `${at}[${index}].name`;
    if (!name) errors.required(here);
    else if (name.length > 253 || !sysctlName.test(name)) {
      errors.invalid(
        here,
        name,
        'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      );
    } else if (seen.has(name)) errors.duplicate(here, name);
    if (!name) return;
    validateHostSysctl(slashes(name), name, spec, here, errors);
    seen.add(name);
  });
}

const ipcSysctls = new Set([
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
]);

function validateHostSysctl(name: string, given: string, spec: PodSpec, at: string, errors: FieldErrors): void {
  const isNet = name.startsWith('net.');
  const isIpc = ipcSysctls.has(name) || name.startsWith('fs.mqueue.');
  if (spec.hostNetwork && isNet) errors.invalid(at, given, "may not be specified when 'hostNetwork' is true");
  if (spec.hostIPC && isIpc) errors.invalid(at, given, "may not be specified when 'hostIPC' is true");
}

/** On the host's network a port is the host's own. */
function checkHostNetworkPorts(spec: PodSpec, at: string, errors: FieldErrors): void {
  spec.containers?.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort = 0, containerPort = 0 }, number) => {
      if (hostPort === 0 || hostPort === containerPort) return;
      const field = `${at}.containers[${index}].ports[${number}].hostPort`;
      errors.invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true');
    });
  });
}

/** `spec.securityContext` and what it forbids elsewhere in the spec. */
export function validatePodSecurityContext(spec: PodSpec, at: string, errors: FieldErrors, old?: PodSpec): void {
  const { securityContext: context } = spec;
  const here = `${at}.securityContext`;
  if (!context) return;
  if (spec.hostNetwork) checkHostNetworkPorts(spec, at, errors);
  checkId(`${here}.fsGroup`, context.fsGroup, errors);
  checkId(`${here}.runAsUser`, context.runAsUser, errors);
  checkId(`${here}.runAsGroup`, context.runAsGroup, errors);
  context.supplementalGroups?.forEach((each, index) => {
    checkId(`${here}.supplementalGroups[${index}]`, each, errors);
  });
  if (spec.shareProcessNamespace && spec.hostPID) {
    const why = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.invalid(`${here}.shareProcessNamespace`, true, why);
  }
  if (context.sysctls?.length) validateSysctls(context, spec, `${here}.sysctls`, errors);
  checkOneOf(`${here}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], errors);
  validateSeccompProfile(context.seccompProfile, `${here}.seccompProfile`, errors);
  validateWindowsOptions(context.windowsOptions, `${here}.windowsOptions`, errors);
  validateAppArmorProfile(context.appArmorProfile, `${here}.appArmorProfile`, errors);
  checkOneOf(`${here}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict'], errors);
  // The other one is behind a gate, but for who has chosen one already (KEP-1710).
  const policies = old?.securityContext?.seLinuxChangePolicy ? ['MountOption', 'Recursive'] : ['Recursive'];
  checkOneOf(`${here}.seLinuxChangePolicy`, context.seLinuxChangePolicy, policies, errors);
}
