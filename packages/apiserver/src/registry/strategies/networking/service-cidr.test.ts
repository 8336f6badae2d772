import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { MemoryStorage } from '../../../storage/memory-storage.ts';
import { inProcessTransport } from '../../in-process-transport.ts';
import { ResourceRegistry } from '../../resource-registry.ts';

const registry = new ResourceRegistry({
  storage: new MemoryStorage(),
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
});
const transport = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
const target = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' };

// Each as a real v1.35 was seen to say it.
it.each([
  [{ cidrs: [] }, 'spec.cidrs: Invalid value: []: field is immutable'],
  [{}, 'spec.cidrs: Invalid value: null: field is immutable'],
  [{ cidrs: null }, 'spec.cidrs: Invalid value: null: field is immutable'],
  [{ cidrs: ['10.0.0.0/24'] }, 'spec.cidrs[0]: Invalid value: "10.0.0.0/24": field is immutable'],
])('the networks of Services stay what they are: %j', async (spec, message) => {
  const metadata = { name: `c${JSON.stringify(spec).length}` };
  await transport.request({ verb: 'create', ...target, body: { metadata, spec: { cidrs: ['2001:db8:77::/112'] } } });
  await expect(
    transport.request({ verb: 'update', ...target, name: metadata.name, body: { metadata, spec } }),
  ).rejects.toThrow(message);
});
