import type { SELinuxOptions } from '@keelson/core';
import { type Judge, namesWhere, plural, quoted, settersText, sortedSet } from './subject.ts';

/** Only some types of SELinux contexts, and neither user nor role. */
export function judgeSeLinux(allowed: readonly string[]): Judge {
  return (subject) => {
    const types = new Set<string>();
    let user = false;
    let role = false;
    const isBad = (options: SELinuxOptions | undefined): boolean => {
      if (!options) return false;
      const badType = options.type && !allowed.includes(options.type);
      if (badType) types.add(options.type ?? '');
      if (options.user) user = true;
      if (options.role) role = true;
      return Boolean(badType || options.user || options.role);
    };
    const pod = isBad(subject.spec.securityContext?.seLinuxOptions);
    const names = namesWhere(subject, ({ securityContext }) => isBad(securityContext?.seLinuxOptions));
    const who = settersText(pod, names);
    if (who === undefined) return undefined;
    const what: string[] = [];
    if (types.size > 0) what.push(`${plural(types.size, 'type')} ${quoted(sortedSet(types))}`);
    if (user) what.push('user may not be set');
    if (role) what.push('role may not be set');
    const detail = `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`;
    return { reason: 'seLinuxOptions', detail };
  };
}
