import { type TestCluster, testCluster } from '@keelson/apiserver/testing';
import { Event, isStatusError, Secret } from '@keelson/core';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { httpDns } from './dns.ts';
import { Zone, zoneOperator } from './operator.ts';
import { DnsServer, type HttpFault, token } from './provider.ts';
import { changes } from './records.ts';

const ref = { name: 'shop', namespace: 'default' };
const domain = 'shop.test';
const www = { name: 'www', type: 'A', values: ['192.0.2.1', '192.0.2.2'], ttl: 300 } as const;
const mail = { name: '@', type: 'MX', values: ['10 mail.shop.test.'], ttl: 3_600 } as const;
const patient = { timeoutMs: 30_000, intervalMs: 20 };

let dns: DnsServer;
let cluster: TestCluster;

beforeEach(async () => {
  dns = new DnsServer();
  cluster = await testCluster({ plugins: [zoneOperator(httpDns(await dns.listen(), 2_000), 200)] });
});
afterEach(async () => {
  await cluster.stop();
  await dns.close();
});

const keepToken = (text = token) =>
  cluster.client.create(Secret, { metadata: { name: 'dns', namespace: 'default' }, stringData: { token: text } });
const createZone = () =>
  cluster.client.create(Zone, { metadata: ref, spec: { domain, credentials: 'dns', records: [www, mail] } });
const ready = async () => {
  const condition = (await cluster.client.get(Zone, ref)).status?.conditions?.find(({ type }) => type === 'Ready');
  return `${condition?.status} ${condition?.message}`.trim();
};
const isReady = async () => (await ready()) === 'True';
const isGone = () =>
  cluster.client.get(Zone, ref).then(
    () => false,
    (error: unknown) => isStatusError(error, 'NotFound'),
  );
const hasRecords = (...records: readonly (typeof www | typeof mail)[]) => {
  const [zone, ...others] = dns.provider.zones;
  return others.length === 0 && zone !== undefined && changes(zone.records, records).length === 0;
};
const events = async () =>
  (await cluster.client.list(Event)).items.map(({ type, reason, message }) => `${type} ${reason} ${message}`);

it('makes the zone, follows the object, sets right what others change, and takes it away', async () => {
  const { client, waitFor } = cluster;
  await keepToken();
  await createZone();
  await waitFor(isReady, { ...patient, what: 'the zone' });
  expect(hasRecords(www, mail)).toBe(true);
  expect((await client.get(Zone, ref)).status?.nameservers).toEqual(['ns1.dns.test', 'ns2.dns.test']);

  await client.patch(Zone, ref, { merge: { spec: { records: [www] } } });
  await waitFor(() => hasRecords(www), { ...patient, what: 'the record to go' });
  await waitFor(async () => (await events()).includes('Normal Updated -@ MX'), { ...patient, what: 'the event' });
  await waitFor(isReady, { ...patient, what: 'the zone' });

  const [zone] = dns.provider.zones;
  const theirs = [
    { ...www, ttl: 60 },
    { ...www, ttl: 60 },
    { ...mail, name: 'old' },
  ];
  await dns.provider.replace(token, { domain, version: zone?.version ?? '' }, theirs);
  await waitFor(() => hasRecords(www), { ...patient, what: 'the records to be as they were' });
  await waitFor(async () => (await events()).some((each) => each.startsWith('Warning Corrected what somebody else')), {
    ...patient,
    what: 'the warning',
  });

  await client.delete(Zone, ref);
  await waitFor(isGone, { ...patient, what: 'the object to go' });
  expect(dns.provider.zones).toEqual([]);
});

const hardTimes: readonly HttpFault[] = [
  { method: 'GET', fault: 500 },
  { method: 'GET', fault: 'cut before' },
  { method: 'GET', fault: 'never answered' },
  { method: 'POST', fault: 503 },
  { method: 'POST', fault: 'cut after' },
  { method: 'GET', fault: 'cut after' },
  { method: 'PUT', fault: 'cut after' },
  { method: 'DELETE', fault: 'cut after' },
  { method: 'DELETE', fault: 502 },
];

it('makes one zone and no more, whatever becomes of its requests', async () => {
  const { client, waitFor } = cluster;
  dns.faults.push(...hardTimes);
  await keepToken();
  await createZone();
  await waitFor(isReady, { ...patient, what: 'the zone' });
  expect(hasRecords(www, mail)).toBe(true);
  await client.patch(Zone, ref, { merge: { spec: { records: [mail] } } });
  await waitFor(() => hasRecords(mail), { ...patient, what: 'the record to go' });
  await client.delete(Zone, ref);
  await waitFor(isGone, { ...patient, what: 'the object to go' });
  expect(dns.provider.zones).toEqual([]);
  // What was made though nobody heard of it was found, and not made again.
  expect(dns.requests.filter(({ method }) => method === 'POST').map(({ status }) => status)).toEqual([
    503,
    'cut after',
  ]);
});

it('comes back when the provider has asked it to, and not before', async () => {
  dns.faults.push({ method: 'POST', fault: 429, retryAfter: 2 });
  await keepToken();
  await createZone();
  await cluster.waitFor(isReady, { ...patient, what: 'the zone' });
  const [refused, next] = dns.requests.slice(dns.requests.findIndex(({ status }) => status === 429));
  expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(1_900);
});

it('says what it lacks, and goes on when that is there', async () => {
  const { client, waitFor } = cluster;
  await createZone();
  await waitFor(async () => (await ready()) === 'False zone: Secret dns has no token', {
    ...patient,
    what: 'the lack',
  });
  await keepToken('guess');
  await waitFor(async () => (await ready()).includes(`401 who are you?`), { ...patient, what: 'the refusal' });
  await client.patch(Secret, { name: 'dns', namespace: 'default' }, { merge: { stringData: { token } } });
  await waitFor(isReady, { ...patient, what: 'the zone' });
});

it('leaves alone what was there before', async () => {
  const { client, waitFor } = cluster;
  await dns.provider.create(token, { domain, comment: 'made by hand', records: [] });
  await keepToken();
  await createZone();
  await waitFor(async () => (await ready()).includes('it exists, and was not made for this object'), {
    ...patient,
    what: 'the refusal',
  });
  await client.delete(Zone, ref);
  await waitFor(isGone, { ...patient, what: 'the object to go' });
  expect(hasRecords()).toBe(true);
});

it('finds a change where there is one, in whatever order records and values come', () => {
  const values = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 });
  const record = fc.record({
    name: fc.constantFrom('@', 'www', 'mail'),
    type: fc.constantFrom('A' as const, 'TXT' as const),
    values,
    ttl: fc.constantFrom(60, 300),
  });
  const records = fc.uniqueArray(record, { selector: ({ name, type }) => `${name} ${type}` });
  fc.assert(
    fc.property(records, records, (one, other) => {
      const turned = one.toReversed().map((each) => ({ ...each, values: each.values.toReversed() }));
      expect(changes(one, turned)).toEqual([]);
      expect(changes(one, other).length).toBe(changes(other, one).length);
      expect(changes([], one).every((each) => each.startsWith('+'))).toBe(true);
      if (one[0]) expect(changes(one, [...one, one[0]])).toEqual([`~${one[0].name} ${one[0].type}`]);
    }),
  );
});
