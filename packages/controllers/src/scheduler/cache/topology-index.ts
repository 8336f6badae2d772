import type { ExistingTerm, PodInfo, PodQuery } from '@keelson/core/scheduling';
import { BoundedMap } from './bounded-map.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** A number for each node and, summed up, for each value of the topology keys that were asked for. */
class NodeCounts {
  readonly byNode = new Map<string, number>();
  readonly byTopology = new Map<string, Map<string, number>>();

  add(node: string, labels: Labels, change: number): void {
    bump(this.byNode, node, change);
    for (const [key, counts] of this.byTopology) {
      const value = labels?.[key];
      if (value !== undefined) bump(counts, value, change);
    }
  }

  moveNode(node: string, before: Labels, after: Labels): void {
    const count = this.byNode.get(node);
    if (count === undefined) return;
    for (const [key, counts] of this.byTopology) {
      if (before?.[key] === after?.[key]) continue;
      if (before?.[key] !== undefined) bump(counts, before[key]!, -count);
      if (after?.[key] !== undefined) bump(counts, after[key]!, count);
    }
  }

  topology(key: string, labelsOf: (node: string) => Labels): ReadonlyMap<string, number> {
    let counts = this.byTopology.get(key);
    if (!counts) {
      counts = new Map();
      this.byTopology.set(key, counts);
      for (const [node, count] of this.byNode) {
        const value = labelsOf(node)?.[key];
        if (value !== undefined) bump(counts, value, count);
      }
    }
    return counts;
  }
}

function bump(counts: Map<string, number>, key: string, change: number): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

interface QueryEntry {
  readonly query: PodQuery;
  readonly counts: NodeCounts;
}

interface TermEntry extends ExistingTerm {
  readonly nodeCounts: NodeCounts;
}

/**
 * Counts of pods by query and of existing affinity terms, by node and by topology. A question costs one scan of all pods
 * when it is first asked and nothing afterwards: each change of a pod or node adjusts the counts.
 */
export class TopologyIndex {
  private readonly queries = new BoundedMap<QueryEntry>(512, (entry) => this.forget(entry));
  private readonly byNamespace = new Map<string, Set<QueryEntry>>();
  private readonly anywhere = new Set<QueryEntry>();
  private readonly terms = new Map<string, TermEntry>();
  private readonly labelsOf: (node: string) => Labels;
  private readonly podsOnNodes: () => Iterable<readonly [node: string, pods: Iterable<PodInfo>]>;

  constructor(
    labelsOf: (node: string) => Labels,
    podsOnNodes: () => Iterable<readonly [node: string, pods: Iterable<PodInfo>]>,
  ) {
    this.labelsOf = labelsOf;
    this.podsOnNodes = podsOnNodes;
  }

  /** @param change 1 when the pod came to the node, -1 when it went */
  podChanged(info: PodInfo, node: string, change: 1 | -1): void {
    const labels = this.labelsOf(node);
    const here = this.byNamespace.get(info.pod.metadata.namespace ?? '');
    if (here) for (const entry of here) if (entry.query.matches(info.pod)) entry.counts.add(node, labels, change);
    for (const entry of this.anywhere) if (entry.query.matches(info.pod)) entry.counts.add(node, labels, change);
    if (info.hasAffinity) this.termsChanged(info, node, labels, change);
  }

  nodeLabelsChanged(node: string, before: Labels, after: Labels): void {
    for (const entry of this.queries.all()) entry.counts.moveNode(node, before, after);
    for (const entry of this.terms.values()) entry.nodeCounts.moveNode(node, before, after);
  }

  /** Labels of a namespace changed: what namespace selectors mean is found anew. */
  namespaceChanged(): void {
    for (const entry of [...this.anywhere]) {
      this.queries.delete(entry.query.key);
      this.forget(entry);
    }
  }

  countByNode(query: PodQuery): ReadonlyMap<string, number> {
    return this.entry(query).counts.byNode;
  }

  countByTopology(query: PodQuery, topologyKey: string): ReadonlyMap<string, number> {
    return this.entry(query).counts.topology(topologyKey, this.labelsOf);
  }

  existingTerms(): Iterable<ExistingTerm> {
    return this.terms.values();
  }

  private entry(query: PodQuery): QueryEntry {
    return this.queries.getOrMake(query.key, () => {
      const counts = new NodeCounts();
      for (const [node, pods] of this.podsOnNodes()) {
        for (const info of pods) if (query.matches(info.pod)) counts.add(node, undefined, 1);
      }
      const entry = { query, counts };
      if (!query.namespaces) this.anywhere.add(entry);
      for (const namespace of query.namespaces ?? []) {
        const known = this.byNamespace.get(namespace);
        if (known) known.add(entry);
        else this.byNamespace.set(namespace, new Set([entry]));
      }
      return entry;
    });
  }

  private forget(entry: QueryEntry): void {
    this.anywhere.delete(entry);
    for (const namespace of entry.query.namespaces ?? []) {
      const known = this.byNamespace.get(namespace);
      known?.delete(entry);
      if (known?.size === 0) this.byNamespace.delete(namespace);
    }
  }

  private termsChanged(info: PodInfo, node: string, labels: Labels, change: 1 | -1): void {
    const lists = [
      ['requiredAffinity', info.affinity.required],
      ['requiredAntiAffinity', info.antiAffinity.required],
      ['preferredAffinity', info.affinity.preferred],
      ['preferredAntiAffinity', info.antiAffinity.preferred],
    ] as const;
    for (const [kind, terms] of lists) {
      for (const term of terms) {
        const key = `${kind} ${term.topologyKey} ${term.weight} ${term.query.key}`;
        let entry = this.terms.get(key);
        if (!entry) {
          const nodeCounts = new NodeCounts();
          entry = { kind, term, nodeCounts, counts: nodeCounts.topology(term.topologyKey, this.labelsOf) };
          this.terms.set(key, entry);
        }
        entry.nodeCounts.add(node, labels, change);
        if (entry.nodeCounts.byNode.size === 0) this.terms.delete(key);
      }
    }
  }
}
