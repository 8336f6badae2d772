import type { Node, Pod, Toleration } from '../api/index.ts';

/** Amounts of resources as plain numbers: CPU in thousandths of a core, memory and storage in bytes, the others in units. */
export interface ResourceAmounts {
  readonly milliCpu: number;
  readonly memory: number;
  readonly ephemeralStorage: number;
  /** Pods: how many a node may hold (`allocatable`), or holds (`requested`). */
  readonly pods: number;
  /** Extended resources and huge pages by name. */
  readonly extended: ReadonlyMap<string, number>;
}

/** A port of the host that a container asks for. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

/** Which pods are meant: by namespace and labels. Two queries with the same `key` match the same pods. */
export interface PodQuery {
  readonly key: string;
  /** The only namespaces that matching pods can be in; undefined: any. */
  readonly namespaces?: readonly string[];
  matches(pod: Pod): boolean;
}

/** A term of (anti-)affinity between pods, compiled once for all pods of one template. */
export interface AffinityTerm {
  readonly query: PodQuery;
  readonly topologyKey: string;
  /** 1 to 100 of a preferred term; 0 of a required one. */
  readonly weight: number;
}

/** What a pod says about pods that it wants near by, or far away. */
export interface PodAffinityTerms {
  readonly required: readonly AffinityTerm[];
  readonly preferred: readonly AffinityTerm[];
}

/** What scheduling needs to know of a pod, computed once; pods of one template share all but `pod` and `key`. */
export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly priority: number;
  /** Requests of the pod as the node will account for them (containers, init containers, sidecars, overhead). */
  readonly requests: ResourceAmounts;
  /** The same with 100m CPU and 200 MiB for containers that request nothing: for scoring only. */
  readonly nonZeroRequests: ResourceAmounts;
  readonly ports: readonly HostPort[];
  readonly affinity: PodAffinityTerms;
  readonly antiAffinity: PodAffinityTerms;
  /** Whether any of the four lists of terms has an entry. */
  readonly hasAffinity: boolean;
  readonly tolerations: readonly Toleration[];
  /** `nodeSelector` and required node affinity; undefined if every node will do. */
  readonly nodeMatcher: NodeMatcher | undefined;
}

/** Compiled node affinity. */
export interface NodeMatcher {
  matches(node: Node): boolean;
  /** Names that `metadata.name` match fields restrict to, if every term has one. */
  readonly names: ReadonlySet<string> | undefined;
}

/** A node and what is on it, at one moment. Immutable: the cache makes a new one when something on the node changes. */
export interface NodeInfo {
  readonly node: Node;
  readonly name: string;
  /** Position in `SchedulingSnapshot.nodes`. */
  readonly index: number;
  /** Assigned and assumed pods, without finished ones. */
  readonly pods: readonly PodInfo[];
  readonly requested: ResourceAmounts;
  readonly nonZeroRequested: ResourceAmounts;
  readonly allocatable: ResourceAmounts;
  readonly usedPorts: readonly HostPort[];
  /** Sizes in bytes by image name. */
  readonly images: ReadonlyMap<string, number>;
}

/** How many pods have this term, by value of its topology key. */
export interface ExistingTerm {
  readonly kind: 'requiredAffinity' | 'requiredAntiAffinity' | 'preferredAffinity' | 'preferredAntiAffinity';
  readonly term: AffinityTerm;
  readonly counts: ReadonlyMap<string, number>;
}

/** The cluster as one scheduling cycle sees it. Counts are indexed and kept up to date, never found by a scan of all pods. */
export interface SchedulingSnapshot {
  readonly nodes: readonly NodeInfo[];
  get(name: string): NodeInfo | undefined;
  /** Matching pods by value of `topologyKey`; nodes without that label do not count. */
  countByTopology(query: PodQuery, topologyKey: string): ReadonlyMap<string, number>;
  /** The values that nodes have for the label. */
  topologyValues(topologyKey: string): ReadonlySet<string>;
  /** Matching pods by name of node. */
  countByNode(query: PodQuery): ReadonlyMap<string, number>;
  /** Distinct (anti-)affinity terms of the pods that are on nodes. */
  readonly existingTerms: Iterable<ExistingTerm>;
  /** How many nodes have the image, for image locality. */
  imageNodes(image: string): number;
}
