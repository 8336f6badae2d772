import type { SimulatedWorld, Simulation } from '@keelson/apiserver/testing';
import type { Operator } from '@keelson/core';
import { type Dns, MemoryDns } from './dns.ts';
import { Website } from './website.ts';

const ref = { name: 'hello', namespace: 'default' };
const spec = { page: '<h1>Hello</h1>', replicas: 2, host: 'hello.example.com' };
const dns = (world: SimulatedWorld) => world.external('dns', () => new MemoryDns());

/** A site that gets a name, and then another one. */
export const siteThatMoves = (operator: (dns: Dns) => Operator): Simulation => ({
  operators: (world) => [operator(dns(world).reached)],
  steps: [
    { name: 'makes a site', run: ({ client }) => client.create(Website, { metadata: ref, spec }) },
    {
      name: 'moves it',
      run: ({ client }) => client.patch(Website, ref, { merge: { spec: { host: 'hi.example.com' } } }),
    },
  ],
  finally: {
    'there are the names that sites want, and no others': async (world) => {
      const wanted = (await world.objects(Website)).map(({ spec }) => spec.host);
      const there = (await dns(world).real.list()).map(({ host }) => host);
      if (there.join() !== wanted.join()) return `wanted: ${wanted.join(', ')}; there: ${there.join(', ')}`;
    },
  },
});
