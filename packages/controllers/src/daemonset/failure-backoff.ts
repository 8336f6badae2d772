import type { Pod } from '@keelson/core';
import { nodeOf } from './daemon-pod.ts';

const firstMs = 1_000;
const longestMs = 15 * 60_000;

interface Failure {
  readonly pod: string;
  readonly at: number;
  readonly delayMs: number;
}

/** How long to leave a failed pod of a set on a node: nothing the first time, then longer with every pod that follows it. */
export class FailureBackoff {
  readonly #bySet = new Map<string, Map<string, Failure>>();

  /** Milliseconds to wait before the pod may go. */
  next(set: string, pod: Pod, now: number): number {
    if (pod.status?.phase !== 'Failed') return 0;
    const node = nodeOf(pod) ?? '';
    const nodes = this.#bySet.get(set) ?? new Map<string, Failure>();
    this.#bySet.set(set, nodes);
    const last = nodes.get(node);
    const uid = pod.metadata.uid ?? '';
    if (last === undefined || now - last.at > 2 * longestMs) {
      nodes.set(node, { pod: uid, at: now, delayMs: firstMs });
      return 0;
    }
    if (last.pod === uid) return 0;
    const wait = last.at + last.delayMs - now;
    if (wait > 0) return wait;
    nodes.set(node, { pod: uid, at: now, delayMs: Math.min(2 * last.delayMs, longestMs) });
    return 0;
  }

  forget(set: string): void {
    this.#bySet.delete(set);
  }
}
