import { defineExternal, defineOperator, type OperatorContext, Secret } from '@keelson/core';
import { type Dns, httpDns } from './dns.ts';
import { changes } from './records.ts';
import { Zone } from './zone.ts';

/** @param everyMs how often records are looked at that others may have changed */
export function zoneOperator(dns: Dns, everyMs = 60_000) {
  const remote = defineExternal(Zone, {
    observe: (zone, context) => dns.find(tokenOf(zone, context), zone.spec.domain, context.signal),
    async create(zone, context) {
      const { domain, records } = zone.spec;
      const made = await dns.create(tokenOf(zone, context), { domain, comment: context.id, records }, context.signal);
      context.event('Normal', 'Created', domain);
      return made;
    },
    differs: ({ spec }, found) => changes(found.records, spec.records).length > 0,
    async update(zone, found, context) {
      const { spec, status } = zone;
      const changed = changes(found.records, spec.records).join(', ');
      const updated = await dns.replace(tokenOf(zone, context), found, spec.records, context.signal);
      if (found.version === status?.version) context.event('Normal', 'Updated', changed);
      else context.event('Warning', 'Corrected', `what somebody else has changed: ${changed}`);
      return updated;
    },
    delete: (found, zone, context) => dns.remove(tokenOf(zone, context), found.domain, context.signal),
    isOurs: (found, { id }) => found.comment === id,
    everyMs,
  });

  return defineOperator({
    name: 'zone',
    for: Zone,
    references: [{ type: Secret, by: ({ spec }) => [spec.credentials] }],
    dependents: ({ external }) => ({ zone: external(remote) }),
    async reconcile(_, { observed, setStatus }) {
      const found = observed(remote);
      if (found) setStatus({ version: found.version, nameservers: [...found.nameservers] });
    },
  });
}

function tokenOf({ spec }: Zone, { get }: Pick<OperatorContext<Zone>, 'get'>): string {
  const token = get(Secret, spec.credentials)?.data?.['token'];
  if (token === undefined) throw new Error(`Secret ${spec.credentials} has no token`);
  return Buffer.from(token, 'base64').toString('utf8').trim();
}

export { Zone };
export default zoneOperator(httpDns(process.env['DNS_API'] ?? 'http://127.0.0.1:8053/'));
