import { ConfigMap, ControllerRevision, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

type ApiRequest = Parameters<ResourceRegistry['handle']>[0];

const admin = { name: 'admin', groups: ['system:masters'] };
const of = (resource: string, group: string) => ({ group, version: 'v1', resource, namespace: 'default' });

function open() {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  return (request: ApiRequest) => registry.handle(request, admin);
}

// All answers are a real v1.35.4's.
describe('the data of a revision is compared as bytes', () => {
  const revisions = of(ControllerRevision.plural, 'apps');
  const body = (data: unknown) => ({ metadata: { name: 'a' }, revision: 1, data });
  let ask: ReturnType<typeof open>;
  beforeEach(async () => {
    ask = open();
    await ask({ verb: 'create', ...revisions, body: body({ b: 1, a: { y: 1, x: 'A' } }) });
  });
  const refused = { code: 422, message: expect.stringMatching(/data: Invalid value: .*: field is immutable/) };
  const patch = (patchType: ApiRequest['patchType'], sent: unknown) =>
    ask({ verb: 'patch', ...revisions, name: 'a', ...(patchType && { patchType }), body: sent });

  it('in an update', async () => {
    const update = (data: unknown) => ask({ verb: 'update', ...revisions, name: 'a', body: body(data) });
    expect((await update({ b: 1, a: { y: 1, x: 'A' } })).type).toBe('object');
    await expect(update({ a: { y: 1, x: 'A' }, b: 1 })).rejects.toMatchObject(refused);
  });

  it('in patches, which sort what they touch, or all', async () => {
    expect((await patch('application/merge-patch+json', { revision: 2 })).type).toBe('object');
    await expect(patch('application/merge-patch+json', { data: {} })).rejects.toMatchObject(refused);
    await expect(patch('application/strategic-merge-patch+json', { revision: 2 })).rejects.toMatchObject(refused);
  });
});

it('shows what an apply that creates said of itself, in a dry run only', async () => {
  const ask = open();
  const apply = (dryRun: readonly string[]) =>
    ask({
      verb: 'patch',
      ...of(ConfigMap.plural, ''),
      name: 'x',
      patchType: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', resourceVersion: '1000', selfLink: '/x' } },
      options: { fieldManager: 'one', dryRun },
    });
  const metadataOf = (answer: Awaited<ReturnType<typeof apply>>) =>
    answer.type === 'object' ? answer.value.object.metadata : undefined;
  expect(metadataOf(await apply(['All']))).toMatchObject({ resourceVersion: '1000', selfLink: '/x' });
  const made = metadataOf(await apply([]));
  expect(made?.resourceVersion).not.toBe('1000');
  expect(made?.selfLink).toBeUndefined();
});
