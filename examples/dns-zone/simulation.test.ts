import { type SimulatedWorld, type Simulation, simulate } from '@keelson/apiserver/testing';
import { Secret } from '@keelson/core';
import { expect, it } from 'vitest';
import { Zone, zoneOperator } from './operator.ts';
import { DnsProvider, token } from './provider.ts';
import { changes } from './records.ts';

const ref = { name: 'shop', namespace: 'default' };
const domain = 'shop.test';
const www = { name: 'www', type: 'A', values: ['192.0.2.1'], ttl: 300 } as const;
const mail = { name: '@', type: 'MX', values: ['10 mail.shop.test.'], ttl: 300 } as const;

/** The provider is no part of the cluster: the operator's calls fail before or after they take effect, as in life. */
const provider = (world: SimulatedWorld) => world.external('dns', () => new DnsProvider());

const create = {
  name: 'makes a zone',
  async run({ client }: SimulatedWorld) {
    await client.create(Secret, { metadata: { name: 'dns', namespace: 'default' }, stringData: { token } });
    await client.create(Zone, { metadata: ref, spec: { domain, credentials: 'dns', records: [www] } });
  },
};
const extend = {
  name: 'adds a record',
  run: ({ client }: SimulatedWorld) => client.patch(Zone, ref, { merge: { spec: { records: [www, mail] } } }),
};
const meddle = {
  name: 'somebody changes the records at the provider',
  async run(world: SimulatedWorld) {
    const { real } = provider(world);
    const found = await real.find(token, domain);
    if (found) await real.replace(token, found, [mail, mail]);
  },
};
const remove = { name: 'deletes it', run: ({ client }: SimulatedWorld) => client.delete(Zone, ref) };

const about = (steps: Simulation['steps'], last: NonNullable<Simulation['finally']>): Simulation => ({
  operators: (world) => [zoneOperator(provider(world).reached)],
  steps,
  always: {
    'there is at most one zone': (world) => {
      const { zones } = provider(world).real;
      if (zones.length > 1) return `there are ${zones.length}`;
    },
  },
  finally: last,
});

it('ends with the records that the object names, each once', { timeout: 60_000 }, async () => {
  const simulation = about([create, extend, meddle], {
    'the records are right': (world) => {
      const wrong = changes(provider(world).real.zones[0]?.records ?? [], [www, mail]);
      if (wrong.length > 0) return wrong.join();
    },
  });
  expect(await simulate(simulation, { runs: 10 })).toEqual({ runs: 10 });
});

it('leaves nothing behind', { timeout: 60_000 }, async () => {
  const simulation = about([create, meddle, remove], {
    'there is no zone, neither here nor there': async (world) => {
      const left = [...(await world.objects(Zone)), ...provider(world).real.zones];
      if (left.length > 0) return JSON.stringify(left);
    },
  });
  expect(await simulate(simulation, { runs: 10 })).toEqual({ runs: 10 });
});
