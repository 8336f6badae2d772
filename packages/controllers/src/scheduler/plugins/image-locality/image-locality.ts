import type { Pod } from '@keelson/core';
import {
  type CycleState,
  type NodeInfo,
  type SchedulerPlugin,
  type SchedulingSnapshot,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';

const mebibyte = 2 ** 20;
const least = 23 * mebibyte;
const mostOfOneContainer = 1000 * mebibyte;

interface Wanted {
  readonly containers: number;
  /** The image's name and on which share of the nodes it is. */
  readonly images: readonly { readonly name: string; readonly spread: number }[];
}
const wantedKey = stateKey<Wanted>('ImageLocality');

/** `nginx` is listed by nodes as `nginx:latest`. */
export function normalizedImage(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name;
}

/** Prefers nodes that already have large images of the pod, the more so the more nodes have them (no node heats up). */
export class ImageLocality implements SchedulerPlugin {
  readonly name = 'ImageLocality';

  preScore(pod: Pod, _nodes: readonly NodeInfo[], state: CycleState, snapshot: SchedulingSnapshot): SchedulingStatus {
    const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
    const images = containers
      .map((each) => normalizedImage(each.image ?? ''))
      .map((name) => ({ name, spread: snapshot.imageNodes(name) / snapshot.nodes.length }))
      .filter((each) => each.spread > 0);
    if (images.length === 0) return { code: 'skip' };
    state.write(wantedKey, { containers: containers.length, images });
    return undefined;
  }

  score(_pod: Pod, node: NodeInfo, state: CycleState): number {
    const wanted = state.read(wantedKey);
    if (!wanted) return 0;
    let sum = 0;
    for (const { name, spread } of wanted.images) sum += Math.trunc((node.images.get(name) ?? 0) * spread);
    const most = mostOfOneContainer * wanted.containers;
    return Math.trunc((100 * (Math.min(Math.max(sum, least), most) - least)) / (most - least));
  }
}
