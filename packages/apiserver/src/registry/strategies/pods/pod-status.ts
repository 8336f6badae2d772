import { type ContainerStatus, type Pod, validateDnsSubdomain, validateQualifiedName } from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkId, checkIp, isIpv6 } from '../checks.ts';
import { isAnyIp } from '../ip-checks.ts';

/** What the status of a Pod may say. */
export function validatePodStatusUpdate(pod: Pod, old: Pod, errors: FieldErrors): void {
  const { status = {}, spec } = pod;
  status.conditions?.forEach(({ type, observedGeneration }, index) => {
    errors.rule(`status.conditions[${index}].Type`, type ?? '', validateQualifiedName(type ?? ''));
    checkGeneration(observedGeneration, `status.conditions[${index}].observedGeneration`, errors);
  });
  checkGeneration(status.observedGeneration, 'status.observedGeneration', errors);
  if (status.nominatedNodeName) {
    errors.rule('status.nominatedNodeName', status.nominatedNodeName, validateDnsSubdomain(status.nominatedNodeName));
  }
  const before = old.status ?? {};
  if (spec.nodeName && status.nominatedNodeName && status.nominatedNodeName !== before.nominatedNodeName) {
    errors.forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node');
  }
  if (spec.nodeName !== old.spec.nodeName) {
    errors.forbidden('status.nodeName', 'may not be changed directly');
  }
  for (const list of ['containerStatuses', 'initContainerStatuses'] as const) {
    checkRestarts(status[list], before[list], spec, list, errors);
  }
  validateUsers(status, errors);
  if (before.qosClass && status.qosClass !== before.qosClass) {
    errors.invalid('status.qosClass', status.qosClass ?? '', 'field is immutable');
  }
  validateClaimStatuses(pod, errors);
  validateIps(status.podIPs, 'status.podIPs', errors);
  validateHostIps(status, errors);
}

function checkGeneration(value: number | undefined, at: string, errors: FieldErrors): void {
  if (value !== undefined && value < 0) errors.invalid(at, value, 'must be a non-negative integer');
}

/** A container that ended for good stays so. */
function checkRestarts(
  now: readonly ContainerStatus[] | undefined,
  before: readonly ContainerStatus[] | undefined,
  spec: Pod['spec'],
  list: 'containerStatuses' | 'initContainerStatuses',
  errors: FieldErrors,
): void {
  if (spec.restartPolicy === 'Always') return;
  const init = list === 'initContainerStatuses';
  before?.forEach((old, index) => {
    const ended = old.state?.terminated;
    if (!ended) return;
    if (spec.restartPolicy === 'OnFailure' && ended.exitCode !== 0) return;
    const own = (init ? spec.initContainers : spec.containers)?.find((each) => each.name === old.name);
    if (own?.restartPolicy === 'Always' || own?.restartPolicyRules?.length || own?.restartPolicy) return;
    const current = now?.find((each) => each.name === old.name);
    if (!current || current.state?.terminated) return;
    errors.forbidden(`status.${list}[${index}].state`, 'may not be transitioned to non-terminated state');
  });
}

function validateUsers(status: NonNullable<Pod['status']>, errors: FieldErrors): void {
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) {
    status[list]?.forEach(({ user }, index) => {
      const linux = user?.linux;
      if (!linux) return;
      const at = `status.${list}[${index}].user.linux`;
      checkId(`${at}.uid`, linux.uid, errors);
      checkId(`${at}.gid`, linux.gid, errors);
      linux.supplementalGroups?.forEach((each, number) => {
        checkId(`${at}.supplementalGroups[${number}]`, each, errors);
      });
    });
  }
}

function validateClaimStatuses({ spec, status }: Pod, errors: FieldErrors): void {
  status?.resourceClaimStatuses?.forEach(({ name, resourceClaimName }, index) => {
    const at = `status.resourceClaimStatuses[${index}]`;
    if (!spec.resourceClaims?.some((each) => each.name === name)) {
      errors.invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`');
    }
    if (resourceClaimName) {
      errors.rule(`${at}.name`, resourceClaimName, validateDnsSubdomain(resourceClaimName));
    }
  });
}

interface WithIp {
  readonly ip?: string;
}

function validateIps(list: readonly WithIp[] | undefined, at: string, errors: FieldErrors): void {
  if (!list) return;
  list.forEach(({ ip = '' }, index) => void checkIp(`${at}[${index}]`, ip, errors));
  if (list.length < 2) return;
  const bad = list.findIndex(({ ip = '' }) => !isAnyIp(ip));
  if (bad >= 0) {
    // Kubernetes takes this for a fault of its own.
    const why = `failed to check for dual stack with error:invalid IP[${bad}]: ${list[bad]?.ip ?? ''}`;
    errors.internal(at, why);
  }
  const families = list.map(({ ip = '' }) => isIpv6(ip));
  if (list.length > 2) {
    errors.invalid(
      at,
      list.map(({ ip = '' }) => ({ IP: ip })),
      'may specify no more than one IP for each IP family',
    );
  } else if (families[0] === families[1]) {
    errors.invalid(
      at,
      list.map(({ ip = '' }) => ({ IP: ip })),
      'may specify no more than one IP for each IP family',
    );
  }
}

function validateHostIps({ hostIP, hostIPs }: NonNullable<Pod['status']>, errors: FieldErrors): void {
  if (!hostIPs?.length) return;
  const first = hostIPs[0]?.ip ?? '';
  if ((hostIP ?? '') !== first) errors.invalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`');
  validateIps(hostIPs, 'status.hostIPs', errors);
}
