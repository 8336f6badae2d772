import { NetworkPolicy, systemClock, systemRandom } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  named: () => quiet,
};
const admin = { name: 'admin', groups: ['system:masters'] };
const target = { group: 'networking.k8s.io', version: 'v1', resource: NetworkPolicy.plural } as const;
const named = { ...target, namespace: 'default', name: 'j' };

async function patchOf(apiVersion: unknown, fieldValidation: 'Warn' | 'Strict' = 'Warn') {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: quiet,
  });
  await registry.handle({ verb: 'create', ...target, namespace: 'default', body: { metadata: { name: 'j' } } }, admin);
  return registry.handle(
    {
      verb: 'patch',
      ...named,
      patchType: 'application/merge-patch+json',
      body: { apiVersion },
      options: { fieldValidation },
    },
    admin,
  );
}

// All answers are a real v1.35.4's.
describe('the version that a patch leaves', () => {
  it.each([undefined, null, '', '/', 'networking.k8s.io/v1'])('%s', async (apiVersion) => {
    const unnamed = 'the name of the object (j based on URL) was undeterminable: name must be provided';
    const patched = patchOf(apiVersion);
    if (apiVersion === undefined || apiVersion === 'networking.k8s.io/v1') {
      expect((await patched).type).toBe('object');
    } else await expect(patched).rejects.toMatchObject({ code: 400, message: unnamed });
  });

  it.each(['networking.k8s.io/', 'networking.k8s.io/__internal'])('%s is the unversioned form', async (apiVersion) => {
    await expect(patchOf(apiVersion)).rejects.toMatchObject({ code: 400 });
  });

  it.each([
    ['v1', 'no kind "NetworkPolicy" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
    ['/v1', 'no kind "NetworkPolicy" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
    ['a/b/c', 'unexpected GroupVersion string: a/b/c'],
  ])('%s is refused', async (apiVersion, why) => {
    await expect(patchOf(apiVersion)).rejects.toMatchObject({ code: 422, message: expect.stringContaining(why) });
  });

  it('knows no field of the unversioned form', async () => {
    const why = 'strict decoding error: unknown field "metadata", unknown field "spec"';
    await expect(patchOf(null, 'Strict')).rejects.toMatchObject({ code: 422, message: expect.stringContaining(why) });
  });
});
