import { systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { inProcessTransport } from '../in-process-transport.ts';
import { ResourceRegistry } from '../resource-registry.ts';

const registry = new ResourceRegistry({
  storage: new MemoryStorage(),
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
});
const transport = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });

const written = z.object({
  metadata: z.object({ managedFields: z.array(z.object({ manager: z.string() })).default([]) }),
});

// As a real v1.35 was seen to do it.
it.each([
  // The key of these conditions is left out where it is empty, so that one without it cannot be told from others.
  [
    { group: 'flowcontrol.apiserver.k8s.io', version: 'v1', resource: 'flowschemas' },
    { spec: { priorityLevelConfiguration: { name: 'workload-low' } } },
    0,
  ],
  [
    { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' },
    {
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    },
    1,
  ],
])('a status that an update may not write is looked at all the same: %j', async (target, body, owners) => {
  const write = async (verb: 'create' | 'update', more: object) => {
    const answer = await transport.request({
      verb,
      ...target,
      ...(verb === 'update' && { name: 'x' }),
      body: { metadata: { name: 'x' }, ...body, ...more },
      options: { fieldManager: 'm' },
    });
    const { managedFields } = written.parse(answer).metadata;
    return managedFields.filter(({ manager }) => manager === 'm').length;
  };
  expect(await write('create', {})).toBe(1);
  expect(await write('update', { status: {} })).toBe(1);
  expect(await write('update', { status: { conditions: [{}] } })).toBe(owners);
});
