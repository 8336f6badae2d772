import {
  type KubernetesObject,
  PersistentVolume,
  Pod,
  ResourceSlice,
  type ResourceType,
  VolumeAttachment,
} from '@keelson/core';
import type { ApiHandler } from '../../registry/contract.ts';
import { type FollowOptions, follow } from '../follow.ts';
import type { NodeGraph } from './node-graph.ts';

/** Keeps a graph equal to the stored pods, volumes, attachments and slices. */
export class NodeFeed {
  readonly #handler: ApiHandler;
  readonly #graph: NodeGraph;

  constructor(handler: ApiHandler, graph: NodeGraph) {
    this.#handler = handler;
    this.#graph = graph;
  }

  /** Resolves when everything that is stored now has been read; goes on until the signal aborts. */
  async start(options: FollowOptions): Promise<void> {
    const graph = this.#graph;
    const feed = <T extends KubernetesObject>(
      { group, version, plural }: ResourceType<T>,
      set: (object: T) => void,
      remove: (object: Pick<T, 'metadata'>) => void,
    ) =>
      follow(
        this.#handler,
        { group, version, resource: plural },
        // The handler gives what was asked for: objects of this very resource.
        { set: (object) => set(object as T), delete: (object) => remove(object as Pick<T, 'metadata'>) },
        { ...options, namesOnly: true },
      );
    await Promise.all([
      feed(
        Pod,
        (pod) => graph.setPod(pod),
        (pod) => graph.deletePod(pod),
      ),
      feed(
        PersistentVolume,
        (volume) => graph.setVolume(volume),
        (volume) => graph.deleteVolume(volume),
      ),
      feed(
        VolumeAttachment,
        (attachment) => graph.setAttachment(attachment),
        (attachment) => graph.deleteAttachment(attachment),
      ),
      feed(
        ResourceSlice,
        (slice) => graph.setSlice(slice),
        (slice) => graph.deleteSlice(slice),
      ),
    ]);
  }
}
