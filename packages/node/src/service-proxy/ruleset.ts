import { createHash } from 'node:crypto';
import type { ServicePortState } from './service-ports.ts';

/** The part of the table that follows the Services: chains by name, and the elements of the two maps. */
export interface Ruleset {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Sets of client addresses, for session affinity: name → seconds. */
  readonly affinitySets: ReadonlyMap<string, number>;
  readonly services: ReadonlyMap<string, string>;
  readonly nodePorts: ReadonlyMap<string, string>;
  readonly rejectedServices: ReadonlyMap<string, string>;
  readonly rejectedNodePorts: ReadonlyMap<string, string>;
}

export const emptyRuleset: Ruleset = {
  chains: new Map(),
  affinitySets: new Map(),
  services: new Map(),
  nodePorts: new Map(),
  rejectedServices: new Map(),
  rejectedNodePorts: new Map(),
};

/** Packets with this bit leave with the node's own address. */
const masqueradeMark = '0x4000';

/** nftables for all Services: each address and port leads by a map to a chain that picks an endpoint; without endpoints, to a reject. */
export function rulesetFor(ports: readonly ServicePortState[]): Ruleset {
  const chains = new Map<string, readonly string[]>();
  const affinitySets = new Map<string, number>();
  const services = new Map<string, string>();
  const nodePorts = new Map<string, string>();
  const rejectedServices = new Map<string, string>();
  const rejectedNodePorts = new Map<string, string>();
  for (const port of ports) {
    const id = `${port.name}/${port.protocol}`;
    if (port.endpoints.length === 0) {
      for (const address of port.addresses)
        rejectedServices.set(`${address} . ${port.protocol} . ${port.port}`, 'goto refuse');
      if (port.nodePort) rejectedNodePorts.set(`${port.protocol} . ${port.nodePort}`, 'goto refuse');
      continue;
    }
    const chain = `service-${hash(id)}`;
    const endpoints = port.endpoints.map(({ ip, port: target }) => ({
      ip,
      target,
      chain: `endpoint-${hash(`${id}/${ip}:${target}`)}`,
      set: `affinity-${hash(`${id}/${ip}:${target}`)}`,
    }));
    for (const endpoint of endpoints) {
      const rules = [`ip saddr ${endpoint.ip} meta mark set meta mark or ${masqueradeMark}`];
      if (port.affinitySeconds !== undefined) {
        affinitySets.set(endpoint.set, port.affinitySeconds);
        rules.push(`update @${endpoint.set} { ip saddr }`);
      }
      rules.push(`meta l4proto ${port.protocol} dnat to ${endpoint.ip}:${endpoint.target}`);
      chains.set(endpoint.chain, rules);
    }
    const choice =
      endpoints.length === 1
        ? [`goto ${endpoints[0]?.chain}`]
        : [
            `numgen random mod ${endpoints.length} vmap { ${endpoints.map((each, index) => `${index} : goto ${each.chain}`).join(', ')} }`,
          ];
    const sticky =
      port.affinitySeconds === undefined ? [] : endpoints.map((each) => `ip saddr @${each.set} goto ${each.chain}`);
    chains.set(chain, [...sticky, ...choice]);
    for (const address of port.addresses) services.set(`${address} . ${port.protocol} . ${port.port}`, `goto ${chain}`);
    if (port.nodePort) {
      const external = `external-${hash(id)}`;
      chains.set(external, [`meta mark set meta mark or ${masqueradeMark}`, `goto ${chain}`]);
      nodePorts.set(`${port.protocol} . ${port.nodePort}`, `goto ${external}`);
    }
  }
  return { chains, affinitySets, services, nodePorts, rejectedServices, rejectedNodePorts };
}

/** Makes the table and its fixed chains anew; everything that was in it goes. */
export function tableScript(table: string): string {
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  map services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map node-ports { type inet_proto . inet_service : verdict; }
  map rejected-services { type ipv4_addr . inet_proto . inet_service : verdict; }
  map rejected-node-ports { type inet_proto . inet_service : verdict; }
  chain refuse { reject; }
  chain dispatch {
    ip daddr . meta l4proto . th dport vmap @services
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node-ports
  }
  chain check {
    ip daddr . meta l4proto . th dport vmap @rejected-services
    fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @rejected-node-ports
  }
  chain nat-prerouting { type nat hook prerouting priority dstnat; policy accept; jump dispatch; }
  chain nat-output { type nat hook output priority -100; policy accept; jump dispatch; }
  chain nat-postrouting { type nat hook postrouting priority srcnat; policy accept; meta mark & ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark xor ${masqueradeMark} masquerade fully-random; }
  chain filter-input { type filter hook input priority -110; policy accept; ct state new jump check; }
  chain filter-forward { type filter hook forward priority -110; policy accept; ct state new jump check; }
  chain filter-output { type filter hook output priority -110; policy accept; ct state new jump check; }
}
`;
}

const maps = [
  ['services', 'services'],
  ['node-ports', 'nodePorts'],
  ['rejected-services', 'rejectedServices'],
  ['rejected-node-ports', 'rejectedNodePorts'],
] as const;

/** The commands that turn `from` into `to` in one transaction; empty when there is nothing to do. */
export function diffScript(table: string, from: Ruleset, to: Ruleset): string {
  const lines: string[] = [];
  for (const [name, seconds] of to.affinitySets) {
    if (from.affinitySets.get(name) === seconds) continue;
    if (from.affinitySets.has(name)) lines.push(...forget(table, name, from));
    lines.push(
      `add set ip ${table} ${name} { type ipv4_addr; flags dynamic,timeout; timeout ${seconds}s; size 65535; }`,
    );
  }
  const changed = [...to.chains].filter(
    ([name, rules]) => from.chains.get(name)?.join('\n') !== rules.join('\n') || touchesNewSet(rules, from, to),
  );
  for (const [name] of changed) if (!from.chains.has(name)) lines.push(`add chain ip ${table} ${name}`);
  for (const [name] of changed) if (from.chains.has(name)) lines.push(`flush chain ip ${table} ${name}`);
  for (const [name, rules] of changed) for (const rule of rules) lines.push(`add rule ip ${table} ${name} ${rule}`);
  for (const [map, field] of maps) {
    const gone = [...from[field]].filter(([key, verdict]) => to[field].get(key) !== verdict);
    const come = [...to[field]].filter(([key, verdict]) => from[field].get(key) !== verdict);
    for (const [key] of gone) lines.push(`delete element ip ${table} ${map} { ${key} }`);
    for (const [key, verdict] of come) lines.push(`add element ip ${table} ${map} { ${key} : ${verdict} }`);
  }
  const goneChains = [...from.chains.keys()].filter((name) => !to.chains.has(name));
  for (const name of goneChains) lines.push(`flush chain ip ${table} ${name}`);
  for (const name of goneChains) lines.push(`delete chain ip ${table} ${name}`);
  for (const name of from.affinitySets.keys())
    if (!to.affinitySets.has(name)) lines.push(`delete set ip ${table} ${name}`);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** A set's time-out cannot be changed in place: the rules that name it go first, then the set. */
function forget(table: string, set: string, from: Ruleset): string[] {
  const users = [...from.chains]
    .filter(([, rules]) => rules.some((rule) => rule.includes(`@${set} `)))
    .map(([name]) => name);
  return [...users.map((name) => `flush chain ip ${table} ${name}`), `delete set ip ${table} ${set}`];
}

function touchesNewSet(rules: readonly string[], from: Ruleset, to: Ruleset): boolean {
  return [...to.affinitySets].some(
    ([name, seconds]) =>
      from.affinitySets.has(name) &&
      from.affinitySets.get(name) !== seconds &&
      rules.some((rule) => rule.includes(`@${name} `)),
  );
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
