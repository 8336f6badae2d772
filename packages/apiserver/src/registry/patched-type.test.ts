import { NetworkPolicy, systemClock, systemRandom } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { ResourceRegistry } from './resource-registry.ts';

const admin = { name: 'admin', groups: ['system:masters'] };
const target = { group: 'networking.k8s.io', version: 'v1', resource: NetworkPolicy.plural } as const;
const named = { ...target, namespace: 'default', name: 'j' };

async function patchOf(apiVersion: unknown, fieldValidation: 'Warn' | 'Strict' = 'Warn', type: object = {}) {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  await registry.handle({ verb: 'create', ...target, namespace: 'default', body: { metadata: { name: 'j' } } }, admin);
  return registry.handle(
    {
      verb: 'patch',
      ...named,
      patchType: 'application/merge-patch+json',
      body: { apiVersion, ...type },
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

  it.each([
    ['v1', 'Pod', 'converting (v1.Pod) to (networking.NetworkPolicy): unknown conversion'],
    ['v1', 'Status', 'converting (v1.Status) to (networking.NetworkPolicy): unknown conversion'],
    [
      'extensions/v1beta1',
      'Deployment',
      'converting (v1beta1.Deployment) to (networking.NetworkPolicy): unknown conversion',
    ],
    ['apps/__internal', 'Deployment', 'converting (apps.Deployment) to (networking.NetworkPolicy): unknown conversion'],
    ['networking.k8s.io/', 'Foo', 'no kind "Foo" is registered for the internal version of group "networking.k8s.io"'],
    ['apps/', 'Deployment', `Object 'apiVersion' is missing in '{"apiVersion":"apps/"`],
  ])('%s %s is another kind', async (apiVersion, kind, why) => {
    await expect(patchOf(apiVersion, 'Warn', { kind })).rejects.toMatchObject({
      code: 422,
      message: expect.stringContaining(why),
    });
  });

  it('may be an old one', async () => expect((await patchOf('extensions/v1beta1')).type).toBe('object'));

  it('is looked at before another kind is converted', async () => {
    const why = 'json: cannot unmarshal number into Go struct field Pod.spec of type v1.PodSpec';
    await expect(patchOf('v1', 'Warn', { kind: 'Pod', spec: 5 })).rejects.toMatchObject({
      message: expect.stringContaining(why),
    });
  });

  it('knows no field of the unversioned form', async () => {
    const why = 'strict decoding error: unknown field "metadata", unknown field "spec"';
    await expect(patchOf(null, 'Strict')).rejects.toMatchObject({ code: 422, message: expect.stringContaining(why) });
  });
});
