import { ConfigMap, Deployment, ServiceAccount, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { ResourceRegistry } from './resource-registry.ts';

function open() {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  return createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
}

const ref = { namespace: 'default', name: 'x' };

describe('server-side apply', () => {
  const client = open();
  const config = (fieldManager: string, data: Record<string, string>, labels?: Record<string, string>, force = false) =>
    client.patch(ConfigMap, ref, {
      apply: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', ...(labels && { labels }) }, data },
      fieldManager,
      force,
    });

  it('creates, shares, refuses, forces and gives up, as a real control plane was seen to do', async () => {
    const made = await config('m1', { a: '1', b: '2' }, { x: 'y' });
    expect(made.metadata.managedFields).toMatchObject([
      {
        manager: 'm1',
        operation: 'Apply',
        fieldsV1: { 'f:data': { 'f:a': {}, 'f:b': {} }, 'f:metadata': { 'f:labels': { 'f:x': {} } } },
      },
    ]);
    expect(await config('m1', { a: '1', b: '2' }, { x: 'y' })).toBe(made);
    await expect(config('m2', { a: '2' })).rejects.toMatchObject({
      code: 409,
      message: 'Apply failed with 1 conflict: conflict with "m1": .data.a',
    });
    expect((await config('m2', { a: '1', c: '3' })).data).toEqual({ a: '1', b: '2', c: '3' });
    const forced = await config('m2', { a: '2', c: '3' }, undefined, true);
    expect(forced.data).toEqual({ a: '2', b: '2', c: '3' });
    expect((await config('m2', { c: '3' })).data).toEqual({ b: '2', c: '3' });
    const fewer = await config('m1', { b: '2' });
    expect(fewer.metadata.labels).toBeUndefined();
    const edited = await client.patch(ConfigMap, ref, { merge: { data: { b: '9' } } }, { fieldManager: 'ed' });
    expect(edited.metadata.managedFields?.map((each) => `${each.manager} ${each.operation}`)).toEqual([
      'm2 Apply',
      'ed Update',
    ]);
    await expect(config('m1', { b: '2' })).rejects.toThrow(
      'Apply failed with 1 conflict: conflict with "ed" using v1: .data.b',
    );
  });

  it('merges lists by their keys', async () => {
    const labels = { a: 'b' };
    const deployment = (image: string, env: readonly { name: string; value: string }[], extra: object = {}) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'x' },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image, env, ...extra }] } },
      },
    });
    const ports = [{ containerPort: 80 }];
    const first = await client.patch(Deployment, ref, {
      apply: deployment('i', [{ name: 'A', value: '1' }], { ports }),
      fieldManager: 'm1',
    });
    expect(first.metadata.managedFields?.[0]?.fieldsV1).toMatchObject({
      'f:spec': {
        'f:selector': {},
        'f:template': {
          'f:spec': {
            'f:containers': {
              'k:{"name":"c"}': {
                '.': {},
                'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
              },
            },
          },
        },
      },
    });
    const second = await client.patch(Deployment, ref, {
      apply: deployment('i', [{ name: 'B', value: '2' }]),
      fieldManager: 'm2',
    });
    const container = second.spec.template.spec?.containers[0];
    expect(container?.env?.map((each) => each.name)).toEqual(['A', 'B']);
    expect(container?.ports).toEqual([{ containerPort: 80, protocol: 'TCP' }]);
    const third = await client.patch(Deployment, ref, { apply: deployment('i', []), fieldManager: 'm1' });
    expect(third.spec.template.spec?.containers[0]?.env?.map((each) => each.name)).toEqual(['B']);
    await expect(client.patch(Deployment, ref, { apply: deployment('j', []), fieldManager: 'm3' })).rejects.toThrow(
      '.spec.template.spec.containers[name="c"].image',
    );
  });

  it('looks at what is there before owners that an apply may not name', async () => {
    const other = { ...ref, name: 'nameless' };
    await client.create(ServiceAccount, { metadata: other, secrets: [{}] });
    await client.patch(ServiceAccount, other, { merge: { metadata: { managedFields: [{}] } } });
    const metadata = { name: 'nameless', managedFields: [] };
    const apply = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
    await expect(client.patch(ServiceAccount, other, { apply, fieldManager: 'm1' })).rejects.toThrow(
      'failed to create manager for existing fields',
    );
  });

  it('treats what was made otherwise as somebody else’s', async () => {
    const other = { ...ref, name: 'plain' };
    await client.create(ConfigMap, { metadata: other, data: { a: '1', b: '1' } });
    const reset = await client.patch(ConfigMap, other, { merge: { metadata: { managedFields: [{}] } } });
    expect(reset.metadata.managedFields).toBeUndefined();
    const apply = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'plain' }, data: { a: '2' } };
    await expect(client.patch(ConfigMap, other, { apply, fieldManager: 'm1' })).rejects.toThrow('before-first-apply');
    const forced = await client.patch(ConfigMap, other, { apply, fieldManager: 'm1', force: true });
    expect(forced.data).toEqual({ a: '2', b: '1' });
  });
});

// As a real v1.35.4 does: the name that is null is owned, and not stored.
it("an element without a key can be applied, and is nobody's from the next write on", async () => {
  const client = open();
  const apply = (fieldManager: string, more: object, name = 'x') => {
    const metadata = { name };
    const body = { apiVersion: 'v1', kind: 'ServiceAccount', metadata, ...more };
    return client.patch(ServiceAccount, { ...ref, name }, { apply: body, fieldManager });
  };
  const made = await apply('two', { secrets: [{ name: null }] });
  expect(made.secrets).toEqual([{}]);
  expect(made.metadata.managedFields).toMatchObject([{ fieldsV1: { 'f:secrets': { 'k:{"name":null}': {} } } }]);
  const why =
    '(default/x; /v1, Kind=ServiceAccount)%s: .secrets: element 0: associative list with keys has an element that omits all key fields ["name"] (and doesn\'t have default values for any key fields)';
  const live = { code: 500, message: `failed to create typed live object ${why.replace('%s', '')}` };
  await expect(apply('two', {})).rejects.toMatchObject(live);
  await expect(apply('one', { imagePullSecrets: [{ name: 'a' }] })).rejects.toMatchObject(live);
  await expect(apply('one', { imagePullSecrets: 'x' })).rejects.toThrow(
    'failed to create typed patch object (/x; /v1, Kind=ServiceAccount): .imagePullSecrets: expected list, got &{x}',
  );
  const patched = await client.patch(ServiceAccount, ref, { merge: {} });
  expect(patched.metadata.managedFields).toBeUndefined();
  expect(patched.secrets).toEqual([{}]);
  await expect(apply('two', {})).rejects.toMatchObject({
    code: 500,
    message: `failed to create manager for existing fields: failed to convert new object ${why.replace('%s', ' to smd typed')}`,
  });
  // Who mends it loses all owners, too.
  await apply('two', { secrets: [{ name: null }] }, 'y');
  const mended = await client.patch(ServiceAccount, { ...ref, name: 'y' }, { merge: { secrets: null } });
  expect(mended.metadata.managedFields).toBeUndefined();
});
