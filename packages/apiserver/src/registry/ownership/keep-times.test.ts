import { type ApiRequest, systemRandom } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { ResourceRegistry } from '../resource-registry.ts';

const admin = { name: 'admin', groups: ['system:masters'] };
const named = { group: 'resource.k8s.io', version: 'v1', resource: 'deviceclasses', name: 'b' } as const;

function open() {
  const clock = new FakeClock();
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock,
    random: systemRandom,
    logger: silentLogger,
  });
  const write = async (request: ApiRequest) => {
    const answer = await registry.handle(request, admin);
    if (answer.type !== 'object') throw new Error('no object was answered');
    const { resourceVersion, managedFields } = answer.value.object.metadata;
    return { resourceVersion, times: managedFields?.map(({ time }) => time) };
  };
  return { clock, write };
}

/** The field is of a gate that is shut: it is owned, and dropped before it is stored. */
const body = (extendedResourceName: string) => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name: 'b' },
  spec: { extendedResourceName },
});

describe('a write of which nothing is left but a time', () => {
  it('is not written: updates, patches and applies alike', async () => {
    const { clock, write } = open();
    const apply: ApiRequest = {
      verb: 'patch',
      ...named,
      patchType: 'application/apply-patch+yaml',
      body: body('x-1'),
      options: { fieldManager: 'm' },
    };
    const applied = await write(apply);
    await clock.advance(2000);
    expect(await write(apply)).toEqual(applied);
    const merge = (value: string): ApiRequest => ({
      verb: 'patch',
      ...named,
      patchType: 'application/merge-patch+json',
      body: { spec: { extendedResourceName: value } },
    });
    const patched = await write(merge('x-2'));
    expect(patched.resourceVersion).not.toBe(applied.resourceVersion);
    await clock.advance(2000);
    expect(await write(merge('x-2'))).toEqual(patched);
    expect(await write(merge('x-3'))).toEqual(patched);
    expect(await write({ verb: 'update', ...named, body: body('x-4') })).toEqual(patched);
  });
});
