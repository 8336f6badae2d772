import type { Container, PodSpec, SecurityContext } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';

const noWindows = 'cannot be set for a windows pod';

/** In the order in which Kubernetes names them. */
const notForWindowsPods = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
] as const;

const notForWindowsContainers = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const satisfies readonly (keyof SecurityContext)[];

function isGiven(spec: PodSpec, path: string): boolean {
  const [first = '', second] = path.split('.');
  const value: unknown = Reflect.get(spec, first);
  if (second === undefined)
    return (
      value === true ||
      (first === 'hostUsers' && value !== undefined) ||
      (value === false && first === 'shareProcessNamespace')
    );
  if (typeof value !== 'object' || value === null) return false;
  const inner: unknown = Reflect.get(value, second);
  return Array.isArray(inner) ? inner.length > 0 : inner !== undefined;
}

/** Every container, in the order in which Kubernetes walks them. */
export function forEachContainer(
  spec: PodSpec,
  at: string,
  visit: (container: Pick<Container, 'securityContext'>, at: string) => void,
): void {
  for (const list of walkOrder) spec[list]?.forEach((each, index) => void visit(each, `${at}.${list}[${index}]`));
}
const walkOrder = ['initContainers', 'containers', 'ephemeralContainers'] as const;

/** `spec.os`: what means nothing on that system may not be set. */
export function validateOperatingSystem(spec: PodSpec, at: string, errors: FieldErrors): void {
  const { os } = spec;
  if (!os) return;
  if (!os.name) {
    errors.required(`${at}.os.name`);
    return;
  }
  if (os.name === 'windows') {
    for (const path of notForWindowsPods) if (isGiven(spec, path)) errors.forbidden(`${at}.${path}`, noWindows);
    forEachContainer(spec, at, ({ securityContext }, here) => {
      for (const field of notForWindowsContainers) {
        if (securityContext?.[field] !== undefined) errors.forbidden(`${here}.securityContext.${field}`, noWindows);
      }
    });
  } else if (os.name === 'linux') {
    const why = 'windows options cannot be set for a linux pod';
    if (spec.securityContext?.windowsOptions) errors.forbidden(`${at}.securityContext.windowsOptions`, why);
    forEachContainer(spec, at, ({ securityContext }, here) => {
      if (securityContext?.windowsOptions) errors.forbidden(`${here}.securityContext.windowsOptions`, why);
    });
  } else errors.notSupported(`${at}.os`, os.name, ['linux', 'windows']);
}

/** All containers of a pod are HostProcess containers, or none. */
export function validateHostProcess(spec: PodSpec, at: string, errors: FieldErrors): void {
  let all = 0;
  let host = 0;
  const own = spec.securityContext?.windowsOptions?.hostProcess;
  forEachContainer(spec, at, ({ securityContext }, here) => {
    all++;
    const asked = securityContext?.windowsOptions?.hostProcess;
    if (own !== undefined && asked !== undefined && own !== asked) {
      const why = `pod hostProcess value must be identical if both are specified, was ${own}`;
      errors.invalid(`${here}.securityContext.windowsOptions.hostProcess`, asked, why);
    }
    if (asked ?? own ?? false) host++;
  });
  if (host === 0) return;
  if (host !== all) {
    const why = 'If pod contains any hostProcess containers then all containers must be HostProcess containers';
    errors.invalid(at, '', why);
  }
  if (!spec.hostNetwork) {
    const why = 'hostNetwork must be true if pod contains any hostProcess containers';
    errors.invalid(`${at}.hostNetwork`, false, why);
  }
}

/** Pods with a user namespace of their own use none of the host's other namespaces. */
export function validateHostUsers(spec: PodSpec, at: string, errors: FieldErrors): void {
  if (spec.hostUsers !== false) return;
  const why = 'when `hostUsers` is false';
  if (spec.hostNetwork) errors.forbidden(`${at}.hostNetwork`, why);
  if (spec.hostPID) errors.forbidden(`${at}.HostPID`, why);
  if (spec.hostIPC) errors.forbidden(`${at}.HostIPC`, why);
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'] as const) {
    spec[list]?.forEach(({ volumeDevices }, index) => {
      if (volumeDevices?.length) errors.forbidden(`${at}.${list}[${index}].volumeDevices`, why);
    });
  }
}
