import {
  CustomResourceDefinition,
  type KubernetesObject,
  type NewObject,
  type ResourceType,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { everyRule, specs } from './crd.test-data.ts';

interface Bee extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: { readonly r?: number };
}
const Bee: ResourceType<Bee> = { group: 'keelson.test', version: 'v1', kind: 'Bee', plural: 'bees', namespaced: true };

function open(storage = new MemoryStorage()) {
  const registry = new ResourceRegistry({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  const transport = inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
  return { registry, transport, client: createClient(transport) };
}

async function established(client: ReturnType<typeof open>['client'], name: string): Promise<void> {
  for await (const { object } of client.watch(CustomResourceDefinition, { fieldSelector: `metadata.name=${name}` })) {
    if (object.status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True')) return;
  }
}

const ref = { namespace: 'default', name: 'o' };
const definition = everyRule as NewObject<CustomResourceDefinition>;

describe('custom resources', () => {
  const shared = open();
  beforeAll(async () => {
    await shared.client.create(CustomResourceDefinition, definition);
    await established(shared.client, definition.metadata.name ?? '');
  });

  it.each(specs.flatMap(([spec, refused]) => (refused ? [{ spec, refused }] : [])))('refuses $spec', async ({
    spec,
    refused,
  }) => {
    await expect(shared.client.create(Bee, { metadata: ref, spec })).rejects.toMatchObject({
      code: 422,
      message: `Bee.keelson.test "o" is invalid: ${refused}`,
    });
  });

  it('prunes and defaults', async () => {
    const spec = { a: 'xx', d: null, nn: null, u: [{ name: 'a', zz: 1 }], p: { z: {} }, zzz: 1 };
    const made = await shared.client.create(Bee, { metadata: { ...ref, name: 'pruned' }, spec });
    expect(made.spec).toEqual({
      a: 'xx',
      d: 'dd',
      nn: null,
      nd: 'x',
      ob: { deep: 3 },
      u: [{ name: 'a', v: 'dv' }],
      p: { z: {} },
    });
    expect(made.metadata.generation).toBe(1);
    expect((await shared.client.list(Bee, { fieldSelector: 'spec.a=xx' })).items).toEqual([made]);
    expect((await shared.client.list(Bee, { fieldSelector: 'spec.a=yy' })).items).toEqual([]);
  });

  it('names unknown fields when asked to be strict', async () => {
    const spec = { a: 'xx', zzz: 1, u: [{ name: 'a', zz: 1 }] };
    await expect(shared.client.create(Bee, { metadata: ref, spec }, { fieldValidation: 'Strict' })).rejects.toThrow(
      'Bee in version "v1" cannot be handled as a Bee: strict decoding error: unknown field "spec.u[0].zz", unknown field "spec.zzz"',
    );
  });

  it('keeps status apart, and wants the resourceVersion of what is updated', async () => {
    const name = 'parts';
    const made = await shared.client.create(Bee, {
      metadata: { ...ref, name },
      spec: { a: 'xx', n: 2 },
      status: { r: 1 },
    });
    expect(made.status).toBeUndefined();
    const seen = await shared.client.updateStatus(Bee, { ...made, spec: { a: 'xy' }, status: { r: 1 } });
    expect(seen).toMatchObject({ spec: { a: 'xx' }, status: { r: 1 }, metadata: { generation: 1 } });
    const { resourceVersion: _ignored, ...metadata } = made.metadata;
    await expect(shared.client.update(Bee, { ...made, metadata })).rejects.toThrow(
      'bees.keelson.test "parts" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
    await expect(shared.client.patch(Bee, { ...ref, name }, { strategic: {} })).rejects.toMatchObject({ code: 415 });
  });

  it('goes with its objects, and is there again after a restart', async () => {
    const storage = new MemoryStorage();
    const first = open(storage);
    await first.client.create(CustomResourceDefinition, definition);
    await established(first.client, definition.metadata.name ?? '');
    await first.client.create(Bee, { metadata: { ...ref, finalizers: ['keelson.test/wait'] }, spec: { a: 'xx' } });
    await first.registry.close();
    const second = open(storage);
    expect((await second.client.get(Bee, ref)).spec).toMatchObject({ a: 'xx' });
    const gone = (async () => {
      for await (const { type } of second.client.watch(CustomResourceDefinition)) if (type === 'DELETED') return;
    })();
    await second.client.delete(CustomResourceDefinition, { name: definition.metadata.name ?? '' });
    for await (const { object } of second.client.watch(Bee)) if (object.metadata.deletionTimestamp) break;
    await second.client.patch(Bee, ref, { merge: { metadata: { finalizers: null } } });
    await gone;
    await expect(second.client.list(Bee)).rejects.toMatchObject({ code: 404 });
    await second.registry.close();
  });

  // What a real kube-apiserver v1.35 shows to a watcher, event by event.
  it('goes through the states of Kubernetes from its creation to its end', async () => {
    const { client, registry } = open();
    const events: string[] = [];
    const over = (async () => {
      for await (const { type, object } of client.watch(CustomResourceDefinition)) {
        const { metadata, status } = object;
        const said = status?.conditions?.map((each) => `${each.type}=${each.status}:${each.reason}`) ?? [];
        events.push([type, status?.acceptedNames?.kind ?? '', metadata.finalizers?.length ?? 0, ...said].join(' '));
        if (type === 'DELETED') return;
      }
    })();
    const thing = {
      metadata: { name: 'things.zz.example.com', finalizers: ['example.com/wait'] },
      spec: {
        group: 'zz.example.com',
        scope: 'Namespaced' as const,
        names: { plural: 'things', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await client.create(CustomResourceDefinition, thing);
    await established(client, thing.metadata.name);
    await client.delete(CustomResourceDefinition, { name: thing.metadata.name });
    for await (const { object } of client.watch(CustomResourceDefinition)) {
      if (object.metadata.finalizers?.length === 1) break;
    }
    await client.patch(CustomResourceDefinition, thing.metadata, { merge: { metadata: { finalizers: null } } });
    await over;
    const both = 'NamesAccepted=True:NoConflicts Established=True:InitialNamesAccepted';
    expect(events).toEqual([
      'ADDED  1',
      'MODIFIED Thing 1 NamesAccepted=True:NoConflicts Established=False:Installing',
      `MODIFIED Thing 1 ${both}`,
      `MODIFIED Thing 2 ${both} Terminating=True:InstanceDeletionPending`,
      `MODIFIED Thing 2 ${both} Terminating=True:InstanceDeletionInProgress`,
      `MODIFIED Thing 1 ${both} Terminating=False:InstanceDeletionCompleted`,
      `DELETED Thing 1 ${both} Terminating=False:InstanceDeletionCompleted`,
    ]);
    await registry.close();
  });

  it('waits for names that another one of the group has, and takes them once they are free', async () => {
    const { client, registry } = open();
    const named = (plural: string) => ({
      metadata: { name: `${plural}.zz.example.com` },
      spec: {
        group: 'zz.example.com',
        scope: 'Namespaced' as const,
        names: { plural, kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    });
    const [first, second] = [named('things'), named('others')];
    await client.create(CustomResourceDefinition, first);
    await established(client, first.metadata.name);
    await client.create(CustomResourceDefinition, second);
    const fieldSelector = `metadata.name=${second.metadata.name}`;
    for await (const { object } of client.watch(CustomResourceDefinition, { fieldSelector })) {
      if (!object.status?.conditions) continue;
      expect(object.status.acceptedNames).toEqual({ plural: 'others', kind: '' });
      expect(object.status.conditions).toMatchObject([
        {
          type: 'NamesAccepted',
          status: 'False',
          reason: 'ListKindConflict',
          message: '"ThingList" is already in use',
        },
        { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' },
      ]);
      break;
    }
    await client.delete(CustomResourceDefinition, first.metadata);
    await established(client, second.metadata.name);
    await registry.close();
  });

  it('wants unknown fields pruned where there are defaults', async () => {
    const { client, registry } = open();
    const schema = { type: 'object', properties: { a: { type: 'string', default: 'x' } } };
    const spec = {
      group: 'zz.example.com',
      scope: 'Namespaced' as const,
      preserveUnknownFields: true,
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    };
    await expect(
      client.create(CustomResourceDefinition, { metadata: { name: 'things.zz.example.com' }, spec }),
    ).rejects.toThrow(
      '[spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema, spec.preserveUnknownFields: Invalid value: true: cannot set to true,',
    );
    await registry.close();
  });

  it('lets be what was so before the schema became narrower', async () => {
    const { client, registry } = open();
    const made = await client.create(CustomResourceDefinition, definition);
    await established(client, made.metadata.name);
    await client.create(Bee, { metadata: ref, spec: { a: 'xx', n: 2 } });
    const narrow = {
      op: 'add',
      path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/a/maxLength',
    };
    await client.patch(CustomResourceDefinition, made.metadata, { json: [{ ...narrow, value: 1 }] });
    await expect
      .poll(() => client.patch(Bee, ref, { merge: { spec: { a: 'yy' } } }).catch((error: Error) => error.message))
      .toContain('spec.a: Too long');
    const seen = await client.patch(Bee, ref, { merge: { spec: { n: 3 } } });
    expect(seen.spec).toMatchObject({ n: 3 });
    await registry.close();
  });
});
