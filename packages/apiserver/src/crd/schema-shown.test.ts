import { CustomResourceDefinition, isStatusError, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { expect, it } from 'vitest';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

const registry = new ResourceRegistry({
  ...{ storage: new MemoryStorage(), clock: systemClock, random: systemRandom, logger: silentLogger },
});

/** Items as the message about two stored versions shows them. */
async function shown(items: unknown): Promise<string | undefined> {
  const { group, version, plural: resource } = CustomResourceDefinition;
  const versions = [
    { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    { name: 'v2', storage: true, schema: { openAPIV3Schema: { items } } },
  ];
  const names = { plural: 'things', kind: 'Thing' };
  const spec = { group: 'zz.example.com', scope: 'Cluster', names, versions };
  const body = { metadata: { name: 'things.zz.example.com' }, spec };
  try {
    await registry.handle(
      { verb: 'create', group, version, resource, body },
      { name: 'a', groups: ['system:masters'] },
    );
    return undefined;
  } catch (error) {
    if (!isStatusError(error, 'Invalid')) throw error;
    const text = error.status.details?.causes?.find(({ message }) => message?.includes('"Items"'))?.message ?? '';
    return [...text.matchAll(/"Items":(null|\{"Schema":null,"JSONSchemas":[^}]*\}|\{)/g)].at(-1)?.[1];
  }
}

// As a real v1.35.4 shows them.
it.each([
  ['abc', '{"Schema":null,"JSONSchemas":null}'],
  [5, '{"Schema":null,"JSONSchemas":null}'],
  [[], '{"Schema":null,"JSONSchemas":[]}'],
  [null, 'null'],
])('items that are no schema, such as %j, are shown as %s', async (items, expected) => {
  expect(await shown(items)).toBe(expected);
});
