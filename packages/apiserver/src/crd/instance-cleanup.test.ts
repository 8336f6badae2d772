import {
  type Clock,
  CustomResourceDefinition,
  type KubernetesObject,
  type NewObject,
  type ResourceType,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { FakeClock, silentLogger, waitFor } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import type { Storage } from '../storage/contract.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

const group = 'cleanup.example.com';
const typed = (kind: string): ResourceType<KubernetesObject> => ({
  group,
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
});
const Thing = typed('Thing');
const definition = ({ kind, plural }: ResourceType<KubernetesObject>): NewObject<CustomResourceDefinition> => ({
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural, kind },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
});

function open(storage: Storage, clock: Clock = systemClock) {
  const registry = new ResourceRegistry({ storage, clock, random: systemRandom, logger: silentLogger });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  const condition = async (name: string, type: string) => {
    const { status } = await client.get(CustomResourceDefinition, { name });
    return status?.conditions?.find((each) => each.type === type);
  };
  const define = async (type: ResourceType<KubernetesObject>) => {
    const { metadata } = await client.create(CustomResourceDefinition, definition(type));
    await waitFor(async () => (await condition(metadata.name, 'Established'))?.status === 'True');
    return metadata;
  };
  const isGone = (name: string) =>
    waitFor(() =>
      client.get(CustomResourceDefinition, { name }).then(
        () => false,
        () => true,
      ),
    );
  return { registry, client, condition, define, isGone };
}

async function fill(client: ReturnType<typeof open>['client'], count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    await client.create(Thing, { metadata: { name: `t${at}`, namespace: `n${at % 3}` } });
  }
}

/** A store whose process is killed with the deletion of that number: nothing is written any more. */
function dyingAt(storage: Storage, deletions: number): Storage & { readonly died: Promise<void> } {
  let left = deletions;
  let tell = () => undefined as void;
  const died = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const orNever = <T>(write: () => Promise<T>): Promise<T> => {
    if (left > 0) return write();
    tell();
    return new Promise(() => undefined);
  };
  return new Proxy(Object.assign(storage, { died }), {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      if (name !== 'delete' && name !== 'update' && name !== 'create') return own.bind(target);
      return (...asked: unknown[]) =>
        orNever(async () => {
          if (name === 'delete') left--;
          return Reflect.apply(own, target, asked);
        });
    },
  });
}

describe('the objects of a definition that is deleted', () => {
  it('go page by page, while other definitions are settled', async () => {
    const { client, registry, define, condition, isGone } = open(new MemoryStorage());
    const { name } = await define(Thing);
    await fill(client, 1300);
    await client.create(Thing, { metadata: { name: 'last', namespace: 'z', finalizers: ['example.com/wait'] } });
    await client.delete(CustomResourceDefinition, { name });
    await define(typed('Other'));
    await waitFor(async () => (await client.list(Thing)).items.length === 1);
    expect(await condition(name, 'Terminating')).toMatchObject({
      status: 'True',
      reason: 'InstanceDeletionInProgress',
      message: 'CustomResource deletion is in progress',
    });
    await client.patch(Thing, { name: 'last', namespace: 'z' }, { merge: { metadata: { finalizers: null } } });
    await isGone(name);
    await registry.close();
  });

  it('are told of every minute as long as one does not go', async () => {
    const clock = new FakeClock();
    const { client, registry, define, condition } = open(new MemoryStorage(), clock);
    const { name } = await define(Thing);
    await client.create(Thing, { metadata: { name: 'held', namespace: 'a', finalizers: ['example.com/wait'] } });
    const reasons: string[] = [];
    const over = (async () => {
      for await (const { object } of client.watch(CustomResourceDefinition)) {
        const found = object.status?.conditions?.find(({ type }) => type === 'Terminating');
        if (found) reasons.push(`${found.reason}: ${found.message}`);
        if (reasons.length === 4) return;
      }
    })();
    await client.delete(CustomResourceDefinition, { name });
    await waitFor(async () => (await condition(name, 'Terminating'))?.reason === 'InstanceDeletionInProgress');
    clock.advance(60_000);
    await over;
    // What a real kube-apiserver v1.35 shows to a watcher.
    expect(reasons).toEqual([
      'InstanceDeletionPending: CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
      'InstanceDeletionInProgress: CustomResource deletion is in progress',
      'InstanceDeletionCheck: could not confirm zero CustomResources remaining: context deadline exceeded',
      'InstanceDeletionInProgress: CustomResource deletion is in progress',
    ]);
    await registry.close();
  });

  it('go to the last when the server was killed meanwhile', async () => {
    const storage = new MemoryStorage();
    const dying = dyingAt(storage, 700);
    const first = open(dying);
    const { name } = await first.define(Thing);
    await fill(first.client, 1000);
    void first.client.delete(CustomResourceDefinition, { name });
    await dying.died;
    const prefix = `/registry/${group}/things/`;
    expect(await storage.count(prefix)).toBe(300);
    const second = open(storage);
    await second.registry.start();
    await second.isGone(name);
    expect(await storage.count(prefix)).toBe(0);
    // The name is free again, for objects that are others.
    await second.define(Thing);
    expect((await second.client.list(Thing)).items).toEqual([]);
    await second.registry.close();
  });
});
