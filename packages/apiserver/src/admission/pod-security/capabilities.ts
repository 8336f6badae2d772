import { containersText, type Judge, namesWhere, quoted, type Subject, sortedSet } from './subject.ts';

/** What a container runtime gives without being asked. */
export const defaultCapabilities: ReadonlySet<string> = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

const restrictedCapabilities: ReadonlySet<string> = new Set(['NET_BIND_SERVICE']);

/** Containers that ask for more than is allowed, and what they ask for, in order. */
export function addedCapabilities(subject: Subject, allowed: ReadonlySet<string>) {
  const added = new Set<string>();
  const names = namesWhere(subject, ({ securityContext }) => {
    const wanted = (securityContext?.capabilities?.add ?? []).filter((each) => !allowed.has(each));
    for (const each of wanted) added.add(each);
    return wanted.length > 0;
  });
  return { names, added: sortedSet(added) };
}

/** All capabilities are given up, and none but one is asked for. */
export const judgeRestrictedCapabilities: Judge = (subject) => {
  const keeping = namesWhere(subject, (container) => {
    return !container.securityContext?.capabilities?.drop?.includes('ALL');
  });
  const { names, added } = addedCapabilities(subject, restrictedCapabilities);
  const details: string[] = [];
  if (keeping.length > 0) details.push(`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`);
  if (names.length > 0) {
    details.push(`${containersText(names)} must not include ${quoted(added)} in securityContext.capabilities.add`);
  }
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') };
};
