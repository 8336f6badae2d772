import { isStatusError, type NewObject, PersistentVolume, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { inProcessTransport } from '../in-process-transport.ts';
import { ResourceRegistry } from '../resource-registry.ts';

const registry = new ResourceRegistry({
  ...{ storage: new MemoryStorage(), clock: systemClock, random: systemRandom, logger: silentLogger },
});
const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));

async function causesOf(spec: NonNullable<NewObject<PersistentVolume>['spec']>): Promise<readonly string[]> {
  try {
    await client.create(PersistentVolume, { metadata: { name: 'a' }, spec }, { dryRun: ['All'] });
    return [];
  } catch (error) {
    if (!isStatusError(error, 'Invalid')) throw error;
    return (error.status.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  }
}
const hostPath = { path: '/x' };

// All as a real v1.35.4 answers.

it('shows amounts as they were written', async () => {
  const capacity = {
    storage: '1Gi',
    a: '+1',
    b: '1.50',
    c: '1.',
    d: '01',
    e: '+1Gi',
    f: '1024Ki',
    g: '-1500m',
    h: '-1Gi',
  };
  expect(await causesOf({ accessModes: ['ReadWriteOnce'], capacity, hostPath })).toEqual([
    'spec.capacity: Unsupported value: {"a":"+1","b":"1500m","c":"1.","d":"01","e":"+1Gi","f":"1Mi","g":"-1500m","h":"-1Gi","storage":"1Gi"}: supported values: "storage"',
    'spec.capacity[g]: Invalid value: -2: must be a valid resource quantity',
    'spec.capacity[g]: Invalid value: "-1500m": must be greater than zero',
    'spec.capacity[h]: Invalid value: -1073741824: must be a valid resource quantity',
    'spec.capacity[h]: Invalid value: "-1Gi": must be greater than zero',
  ]);
});

const known = '"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"';
const mixed = 'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes';

it.each<[readonly string[], readonly string[]]>([
  [['ReadWriteOncePod', ''], [`spec.accessModes: Unsupported value: "": supported values: ${known}`]],
  [['x', 'ReadWriteOncePod'], [`spec.accessModes: Unsupported value: "x": supported values: ${known}`]],
  [['ReadWriteOncePod', 'ReadWriteOncePod'], []],
  [['ReadWriteOncePod', 'ReadWriteOnce'], [mixed]],
  [
    ['ReadWriteOncePod', 'ReadWriteOnce', ''],
    [`spec.accessModes: Unsupported value: "": supported values: ${known}`, mixed],
  ],
])('says of the modes %j: %j', async (accessModes, expected) => {
  expect(await causesOf({ accessModes, capacity: { storage: '1Gi' }, hostPath })).toEqual(expected);
});
