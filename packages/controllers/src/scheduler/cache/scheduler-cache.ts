import { deepEqual, type Node, type Pod } from '@keelson/core';
import type {
  ExistingTerm,
  HostPort,
  NodeInfo,
  PodInfo,
  PodQuery,
  ResourceAmounts,
  SchedulingSnapshot,
} from '@keelson/core/scheduling';
import { addAmounts, amountsOf, copyAmounts, emptyAmounts, type MutableAmounts } from './amounts.ts';
import { TopologyIndex } from './topology-index.ts';

interface NodeEntry {
  readonly name: string;
  /** Absent while pods are known to be on a node that is not known itself. */
  node: Node | undefined;
  readonly pods: Map<string, PodInfo>;
  readonly requested: MutableAmounts;
  readonly nonZeroRequested: MutableAmounts;
  allocatable: ResourceAmounts;
  images: ReadonlyMap<string, number>;
  /** Changed since `info` was made. */
  dirty: boolean;
  info: NodeInfo | undefined;
}

interface PodEntry {
  readonly info: PodInfo;
  readonly nodeName: string;
  /** Placed by this scheduler, and not yet seen so in the API. */
  readonly assumed: boolean;
}

const noImages: ReadonlyMap<string, number> = new Map();

/**
 * Nodes with what is on them. Pods count from the moment they are assumed, before the API has said so. A snapshot is
 * made from immutable `NodeInfo`s, of which only those of changed nodes are made anew.
 */
export class SchedulerCache implements SchedulingSnapshot {
  private readonly entries = new Map<string, NodeEntry>();
  private readonly placed = new Map<string, PodEntry>();
  private readonly nodesWithImage = new Map<string, number>();
  private readonly changed = new Set<NodeEntry>();
  /** Values by label key, found when asked for and forgotten when a node's labels change. */
  private readonly values = new Map<string, ReadonlySet<string>>();
  private membersChanged = true;
  private list: NodeInfo[] = [];
  private readonly index: TopologyIndex;

  constructor() {
    const cache = this;
    this.index = new TopologyIndex(
      (node) => this.entries.get(node)?.node?.metadata.labels,
      function* () {
        for (const entry of cache.entries.values()) yield [entry.name, entry.pods.values()] as const;
      },
    );
  }

  get nodes(): readonly NodeInfo[] {
    return this.list;
  }

  get existingTerms(): Iterable<ExistingTerm> {
    return this.index.existingTerms();
  }

  get(name: string): NodeInfo | undefined {
    return this.entries.get(name)?.info;
  }

  countByTopology(query: PodQuery, topologyKey: string): ReadonlyMap<string, number> {
    return this.index.countByTopology(query, topologyKey);
  }

  topologyValues(topologyKey: string): ReadonlySet<string> {
    let values = this.values.get(topologyKey);
    if (!values) {
      const found = new Set<string>();
      for (const { node } of this.entries.values()) {
        const value = node?.metadata.labels?.[topologyKey];
        if (value !== undefined) found.add(value);
      }
      values = found;
      this.values.set(topologyKey, values);
    }
    return values;
  }

  countByNode(query: PodQuery): ReadonlyMap<string, number> {
    return this.index.countByNode(query);
  }

  imageNodes(image: string): number {
    return this.nodesWithImage.get(image) ?? 0;
  }

  namespaceChanged(): void {
    this.index.namespaceChanged();
  }

  /** Brings `nodes` up to date. To be called before each scheduling cycle. */
  refresh(): SchedulingSnapshot {
    if (this.membersChanged) {
      this.list = [];
      for (const entry of this.entries.values()) {
        if (!entry.node) continue;
        entry.info = describe(entry, entry.node, this.list.length);
        entry.dirty = false;
        this.list.push(entry.info);
      }
      this.membersChanged = false;
    } else {
      for (const entry of this.changed) {
        if (!entry.dirty || !entry.node || !entry.info) continue;
        entry.info = describe(entry, entry.node, entry.info.index);
        entry.dirty = false;
        this.list[entry.info.index] = entry.info;
      }
    }
    this.changed.clear();
    return this;
  }

  setNode(node: Node): void {
    const entry = this.entry(node.metadata.name);
    const before = entry.node;
    if (!before) this.membersChanged = true;
    entry.node = node;
    if (!before || !deepEqual(before.metadata.labels, node.metadata.labels)) {
      this.values.clear();
      this.index.nodeLabelsChanged(entry.name, before?.metadata.labels, node.metadata.labels);
    }
    entry.allocatable = amountsOf(node.status?.allocatable);
    this.setImages(entry, node.status?.images);
    this.touch(entry);
  }

  removeNode(name: string): void {
    const entry = this.entries.get(name);
    if (!entry?.node) return;
    const labels = entry.node.metadata.labels;
    entry.node = undefined;
    entry.info = undefined;
    this.values.clear();
    this.index.nodeLabelsChanged(name, labels, undefined);
    this.setImages(entry, undefined);
    this.membersChanged = true;
    if (entry.pods.size === 0) this.entries.delete(name);
  }

  /** Where the pod is, or is assumed to be. */
  nodeOf(key: string): string | undefined {
    return this.placed.get(key)?.nodeName;
  }

  isAssumed(key: string): boolean {
    return this.placed.get(key)?.assumed === true;
  }

  /** Counts the pod on the node from now on, until the API confirms it or `remove`. */
  assume(info: PodInfo, nodeName: string): void {
    this.place(info, nodeName, true);
  }

  /** The API says that the pod is on the node. */
  confirm(info: PodInfo, nodeName: string): void {
    this.place(info, nodeName, false);
  }

  /** A newer version of a pod that is on the same node and needs the same. Whether the cache had the pod at all. */
  replacePod(key: string, pod: Pod): boolean {
    const known = this.placed.get(key);
    if (!known) return false;
    const info = { ...known.info, pod };
    this.placed.set(key, { info, nodeName: known.nodeName, assumed: false });
    const entry = this.entry(known.nodeName);
    entry.pods.set(key, info);
    this.touch(entry);
    return true;
  }

  /** The pod as last seen. */
  pod(key: string): Pod | undefined {
    return this.placed.get(key)?.info.pod;
  }

  remove(key: string): PodInfo | undefined {
    const known = this.placed.get(key);
    if (!known) return undefined;
    this.placed.delete(key);
    const entry = this.entry(known.nodeName);
    entry.pods.delete(key);
    addAmounts(entry.requested, known.info.requests, -1);
    addAmounts(entry.nonZeroRequested, known.info.nonZeroRequests, -1);
    this.index.podChanged(known.info, entry.name, -1);
    this.touch(entry);
    if (!entry.node && entry.pods.size === 0) this.entries.delete(entry.name);
    return known.info;
  }

  private place(info: PodInfo, nodeName: string, assumed: boolean): void {
    this.remove(info.key);
    this.placed.set(info.key, { info, nodeName, assumed });
    const entry = this.entry(nodeName);
    entry.pods.set(info.key, info);
    addAmounts(entry.requested, info.requests);
    addAmounts(entry.nonZeroRequested, info.nonZeroRequests);
    this.index.podChanged(info, nodeName, 1);
    this.touch(entry);
  }

  private entry(name: string): NodeEntry {
    let entry = this.entries.get(name);
    if (!entry) {
      entry = {
        name,
        node: undefined,
        pods: new Map(),
        requested: emptyAmounts(),
        nonZeroRequested: emptyAmounts(),
        allocatable: emptyAmounts(),
        images: noImages,
        dirty: true,
        info: undefined,
      };
      this.entries.set(name, entry);
    }
    return entry;
  }

  private touch(entry: NodeEntry): void {
    entry.dirty = true;
    this.changed.add(entry);
  }

  private setImages(entry: NodeEntry, images: NonNullable<Node['status']>['images'] | undefined): void {
    for (const name of entry.images.keys()) {
      const left = (this.nodesWithImage.get(name) ?? 1) - 1;
      if (left === 0) this.nodesWithImage.delete(name);
      else this.nodesWithImage.set(name, left);
    }
    const sizes = new Map<string, number>();
    for (const image of images ?? []) for (const name of image.names ?? []) sizes.set(name, image.sizeBytes ?? 0);
    entry.images = sizes.size === 0 ? noImages : sizes;
    for (const name of sizes.keys()) this.nodesWithImage.set(name, (this.nodesWithImage.get(name) ?? 0) + 1);
  }
}

function describe(entry: NodeEntry, node: Node, index: number): NodeInfo {
  const pods = [...entry.pods.values()];
  let usedPorts: HostPort[] | undefined;
  for (const pod of pods) {
    if (pod.ports.length > 0) {
      usedPorts ??= [];
      usedPorts.push(...pod.ports);
    }
  }
  return {
    node,
    name: entry.name,
    index,
    pods,
    requested: copyAmounts(entry.requested),
    nonZeroRequested: copyAmounts(entry.nonZeroRequested),
    allocatable: entry.allocatable,
    usedPorts: usedPorts ?? noPorts,
    images: entry.images,
  };
}

const noPorts: readonly HostPort[] = [];

/** The node as it would be with some pods gone and others come. */
export function withPods(node: NodeInfo, remove: readonly PodInfo[], add: readonly PodInfo[]): NodeInfo {
  const gone = new Set(remove.map((each) => each.key));
  const pods = [...node.pods.filter((each) => !gone.has(each.key)), ...add];
  const requested = emptyAmounts();
  const nonZeroRequested = emptyAmounts();
  for (const pod of pods) {
    addAmounts(requested, pod.requests);
    addAmounts(nonZeroRequested, pod.nonZeroRequests);
  }
  return { ...node, pods, requested, nonZeroRequested, usedPorts: pods.flatMap((each) => each.ports) };
}
