import { type Refusal, reasonsOf } from './status.ts';

/** Why a pod found no node. */
export interface Diagnosis {
  readonly nodeCount: number;
  readonly statusByNode: ReadonlyMap<string, Refusal>;
  /** Plugins that refused the pod or a node: whose events bring it back. */
  readonly rejectedBy: ReadonlySet<string>;
  /** Set when `preFilter` refused the pod as a whole. */
  readonly preFilterMessage?: string;
}

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).`, reasons sorted as texts with their counts. */
export function refusalSummary(nodeCount: number, refusals: Iterable<Refusal>): string {
  const counts = new Map<string, number>();
  for (const refusal of refusals) {
    for (const reason of reasonsOf(refusal)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const lines = [...counts].map(([reason, count]) => `${count} ${reason}`).sort((a, b) => (a < b ? -1 : 1));
  return `0/${nodeCount} nodes are available:${lines.length > 0 ? ` ${lines.join(', ')}.` : ''}`;
}

/**
 * The text of the pod's condition and event, as Kubernetes v1.35 words it.
 * @param postFilter what preemption said; empty when it has found a node to make room on
 */
export function unschedulableMessage(diagnosis: Diagnosis, postFilter: readonly string[]): string {
  const { nodeCount, preFilterMessage } = diagnosis;
  const suffix = postFilter.length > 0 ? ` ${postFilter.join(', ')}` : '';
  if (preFilterMessage !== undefined) return `0/${nodeCount} nodes are available: ${preFilterMessage}.${suffix}`;
  return `${refusalSummary(nodeCount, diagnosis.statusByNode.values())}${suffix}`;
}
