import type { Container } from '@keelson/core';
import { containersText, type Judge, namesWhere, plural, quoted, sortedSet } from './subject.ts';

/** Whom a container's probes and hooks call, where that is not the pod. */
function hostsOf({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Partial<Container>): readonly string[] {
  const calls = [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop];
  return calls
    .flatMap((each) => [each?.httpGet?.host, each?.tcpSocket?.host])
    .filter((host) => host !== undefined && host !== '') as string[];
}

/** Probes are made from the node: they must not be sent to where the pod itself could not come. */
export const judgeProbeHosts: Judge = (subject) => {
  const hosts = new Set<string>();
  const names = namesWhere(subject, (container) => {
    const own = hostsOf(container);
    for (const host of own) hosts.add(host);
    return own.length > 0;
  });
  if (names.length === 0) return undefined;
  const verb = plural(names.length, 'uses', 'use');
  const what = `probe or lifecycle ${plural(hosts.size, 'host')} ${quoted(sortedSet(hosts))}`;
  return { reason: 'probe or lifecycle host', detail: `${containersText(sortedSet(names))} ${verb} ${what}` };
};
