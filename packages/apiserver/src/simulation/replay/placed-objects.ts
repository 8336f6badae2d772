import {
  apiVersionOf,
  CustomResourceDefinition,
  isStatusError,
  type KubernetesObject,
  Namespace,
  type Operator,
  type ResourceType,
  refOf,
  ServiceAccount,
} from '@keelson/core';
import { keyIn } from '../../registry/kind.ts';
import { encodeForStorage } from '../../registry/stored-object.ts';
import { toStored } from '../../registry/stored-versions.ts';
import type { World } from '../simulated-world.ts';
import type { RecordedKind, RecordedObject } from './history.ts';

/** For a definition to be served. */
const mostWaits = 1_000;

/**
 * Puts objects into the simulated cluster as they were, past admission and validation: they were let in then, and keep
 * their uids and times.
 */
export class PlacedObjects {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** Installs what operators define, as a cluster has it in which they run. */
  async install(operators: readonly Operator[]): Promise<void> {
    for (const each of operators.flatMap(({ crds }) => crds)) {
      await unlessThere(this.#world.client.create(CustomResourceDefinition, each));
    }
  }

  /** Makes a place for kinds and namespaces that the cluster does not have. */
  async prepare(objects: readonly RecordedObject[]): Promise<void> {
    const { client } = this.#world;
    const unknown = new Map(
      objects
        .filter(({ kind }) => !this.typeOf(kind))
        .map((each) => [`${each.kind.resource}.${each.kind.group}`, each]),
    );
    for (const each of unknown.values()) {
      await unlessThere(client.create(CustomResourceDefinition, definitionFor(each)));
    }
    for (const each of unknown.values()) {
      for (let waits = 0; waits < mostWaits && !this.typeOf(each.kind); waits += 1) await this.#world.clock.sleep(10);
    }
    const namespaces = new Set(objects.flatMap(({ object }) => object.metadata.namespace ?? []));
    for (const name of namespaces) {
      await unlessThere(client.create(Namespace, { metadata: { name }, spec: {} }));
      await unlessThere(client.create(ServiceAccount, { metadata: { name: 'default', namespace: name } }));
    }
  }

  typeOf({ group, version, resource }: RecordedKind): ResourceType | undefined {
    const served = this.#world.server.registry.catalog.kind(group, version, resource)?.served;
    if (!served) return undefined;
    const { kind, namespaced } = served;
    return { group, version, kind, plural: resource, namespaced };
  }

  async get(kind: RecordedKind, key: string): Promise<KubernetesObject | undefined> {
    const type = this.typeOf(kind);
    if (!type) return undefined;
    try {
      return await this.#world.client.get(type, refOf(key));
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** Resolves to its resourceVersion. */
  async put(place: RecordedKind, object: KubernetesObject): Promise<string> {
    const { server, storage } = this.#world;
    const kind = server.registry.catalog.kind(place.group, place.version, place.resource);
    if (!kind) throw new Error(`the simulated cluster does not serve ${place.resource}.${place.group}`);
    const type = { apiVersion: apiVersionOf(place), kind: kind.served.kind };
    const { object: draft } = kind.decode({ ...object, ...type });
    const key = keyIn(kind, object.metadata.namespace, object.metadata.name);
    const bytes = encodeForStorage(await toStored(kind, draft));
    const { entry } = await storage.get(key);
    const { modRevision } = entry
      ? await storage.update(key, bytes, entry.modRevision)
      : await storage.create(key, bytes);
    return String(modRevision);
  }

  /** Deletes it as whoever deleted it then: finalizers are heeded. Resolves to the resourceVersion of that. */
  async delete(kind: RecordedKind, key: string): Promise<string> {
    const type = this.typeOf(kind);
    if (type) await unlessThere(this.#world.client.delete(type, refOf(key)));
    return String(this.#world.storage.currentRevision());
  }

  /** Removes finalizers as whoever did so then: with the last one goes the object. */
  async release(kind: RecordedKind, key: string, finalizers: readonly string[]): Promise<string> {
    const type = this.typeOf(kind);
    if (type) await unlessThere(this.#world.client.patch(type, refOf(key), { merge: { metadata: { finalizers } } }));
    return String(this.#world.storage.currentRevision());
  }
}

/** A type that takes everything: what the operator reads or writes of it was accepted by its own then. */
function definitionFor({ kind: { group, version, resource }, object }: RecordedObject) {
  const kind = object.kind ?? resource;
  return {
    metadata: { name: `${resource}.${group}` },
    spec: {
      group,
      scope: object.metadata.namespace === undefined ? ('Cluster' as const) : ('Namespaced' as const),
      names: { plural: resource, kind },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          subresources: { status: {} },
        },
      ],
    },
  };
}

async function unlessThere(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists', 'NotFound')) throw error;
  }
}
