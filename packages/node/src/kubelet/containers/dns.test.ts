import type { Pod } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import { parseResolvConf, podDns } from './dns.ts';
import { hostsFile, sandboxHostname } from './hosts-file.ts';

const pod = (spec: Partial<Pod['spec']>): Pod => ({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [], ...spec },
});
const host = parseResolvConf(
  '# comment\nnameserver 1.1.1.1\nnameserver 8.8.8.8\nsearch corp.example.\noptions timeout:1\n',
);
const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' };

describe('DNS of a pod', () => {
  it('goes to the cluster first', () => {
    expect(podDns(pod({}), cluster, host)).toEqual({
      servers: ['10.96.0.10'],
      searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example'],
      options: ['ndots:5'],
    });
  });
  it.each([
    ['Default', false, '1.1.1.1'],
    ['ClusterFirst', true, '1.1.1.1'],
    ['ClusterFirstWithHostNet', true, '10.96.0.10'],
  ])('%s on the host network (%s) asks %s', (dnsPolicy, hostNetwork, server) => {
    expect(podDns(pod({ dnsPolicy, hostNetwork }), cluster, host).servers[0]).toBe(server);
  });
  it('takes dnsConfig on top, within the limits', () => {
    const dnsConfig = {
      nameservers: ['10.96.0.10', '2.2.2.2', '3.3.3.3', '4.4.4.4'],
      searches: ['x', 'cluster.local'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
    };
    const dns = podDns(pod({ dnsConfig }), cluster, host);
    expect(dns.servers).toEqual(['10.96.0.10', '2.2.2.2', '3.3.3.3']);
    expect(dns.searches.at(-1)).toBe('x');
    expect(dns.options).toEqual(['ndots:2', 'edns0']);
    expect(podDns(pod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'] } }), cluster, host)).toEqual({
      servers: ['9.9.9.9'],
      searches: [],
      options: [],
    });
  });
});

describe('names of a pod', () => {
  const named = pod({ hostname: 'h', subdomain: 'sub', hostAliases: [{ ip: '1.2.3.4', hostnames: ['foo', 'bar'] }] });
  it('stand in its hosts file', () => {
    const text = hostsFile(named, ['10.0.0.7', 'fd00::7'], 'cluster.local', '');
    expect(text).toContain('10.0.0.7\th.sub.ns.svc.cluster.local\th\n');
    expect(text).toContain('fd00::7\th.sub.ns.svc.cluster.local\th\n');
    expect(text).toContain('# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n');
    expect(hostsFile(pod({ hostNetwork: true }), [], 'cluster.local', '127.0.0.1 me\n')).toBe(
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n',
    );
  });
  it('are those of its sandbox', () => {
    expect(sandboxHostname(named, 'cluster.local')).toBe('h');
    expect(sandboxHostname(pod({ hostNetwork: true }), 'cluster.local')).toBe('');
    expect(sandboxHostname({ ...named, spec: { ...named.spec, setHostnameAsFQDN: true } }, 'cluster.local')).toBe(
      'h.sub.ns.svc.cluster.local',
    );
  });
});
