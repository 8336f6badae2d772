import type { Capability } from '@keelson/core/cri';

/** What containers may keep by default, as with Docker and containerd. */
export const defaultCapabilities = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
] as const;

/**
 * The bounding set of a container as setpriv(1) writes it, for example `-all,+chown`. `ALL` may be added and dropped; what
 * is both is dropped unless `ALL` is what drops it.
 */
export function boundingSet(change: Capability | undefined): string {
  const add = (change?.addCapabilities ?? []).map(plainName);
  const drop = (change?.dropCapabilities ?? []).map(plainName);
  if (add.includes('all'))
    return ['+all', ...drop.filter((name) => name !== 'all').map((name) => `-${name}`)].join(',');
  const base = drop.includes('all') ? [] : defaultCapabilities.filter((name) => !drop.includes(name));
  const kept = new Set([...base, ...add.filter((name) => drop.includes('all') || !drop.includes(name))]);
  return ['-all', ...[...kept].map((name) => `+${name}`)].join(',');
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/^cap_/, '');
}
