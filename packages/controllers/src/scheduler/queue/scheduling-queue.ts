import { type Clock, keyOf, type Pod } from '@keelson/core';
import type { ClusterEvent, QueuedPod } from '@keelson/core/scheduling';
import { KeyedHeap } from './heap.ts';

/** A pod in the queue, with what happened to it so far. */
export interface QueueEntry extends QueuedPod {
  readonly key: string;
  /** Failed attempts in a row that count for the back-off. */
  readonly attempts: number;
  /** End of the back-off, milliseconds since the epoch; 0 before the first failure. */
  readonly backoffUntil: number;
  /** Failed by an error and not by lack of room: its back-off is never cut short. */
  readonly failed: boolean;
  /** Plugins that rejected the pod; only their events bring it back. */
  readonly rejectedBy: ReadonlySet<string>;
  /** The cluster's event count when the pod was taken for scheduling. */
  readonly takenAt: number;
  /** When the pod was set aside. */
  readonly parkedAt: number;
}

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly compare: (a: QueuedPod, b: QueuedPod) => number;
  /** The name of the plugin that holds the pod back for now, if any. */
  readonly gate: (pod: Pod) => string | undefined;
  /** Whether the event may help a pod that these plugins rejected. */
  readonly helps: (entry: QueueEntry, event: ClusterEvent) => boolean;
  /** Milliseconds. Defaults 1,000 and 10,000. */
  readonly initialBackoff?: number;
  readonly maxBackoff?: number;
  /** Longest time that a pod stays set aside without any event. Default 5 minutes. */
  readonly flushAfter?: number;
}

/**
 * Pods that wait for a node, in three places: *active* (to be tried now), *back-off* (tried in vain a moment ago), and
 * *unschedulable* (set aside until an event makes another try worthwhile). When nothing is active, pods leave the
 * back-off early, unless they are there for an error (KEP-5142).
 */
export class SchedulingQueue {
  private readonly active: KeyedHeap<QueueEntry>;
  private readonly backoff = new KeyedHeap<QueueEntry>(
    (each) => each.key,
    (a, b) => a.backoffUntil - b.backoffUntil || a.sequence - b.sequence,
  );
  private readonly unschedulable = new Map<string, QueueEntry>();
  private readonly gated = new Map<string, QueueEntry>();
  /** Taken and neither bound nor put back; `changed` if the pod was updated meanwhile. */
  private readonly inFlight = new Map<string, { deleted: boolean; latest: Pod | undefined }>();
  /** The latest events, for pods that are being tried while they happen. */
  private recent: ClusterEvent[] = [];
  private eventCount = 0;
  private nextSequence = 0;
  private waiting: (() => void) | undefined;
  private cancelTimer: (() => void) | undefined;
  private timerAt = Number.POSITIVE_INFINITY;
  private readonly options: Required<SchedulingQueueOptions>;

  constructor(options: SchedulingQueueOptions) {
    this.options = { initialBackoff: 1_000, maxBackoff: 10_000, flushAfter: 300_000, ...options };
    this.active = new KeyedHeap(
      (each) => each.key,
      (a, b) => this.options.compare(a, b) || a.sequence - b.sequence,
    );
  }

  get counts(): { readonly active: number; readonly backoff: number; readonly unschedulable: number } {
    return {
      active: this.active.size,
      backoff: this.backoff.size,
      unschedulable: this.unschedulable.size + this.gated.size,
    };
  }

  /** A pod that wants a node came or changed. */
  set(pod: Pod): void {
    const key = keyOf(pod);
    const flying = this.inFlight.get(key);
    if (flying) {
      flying.latest = pod;
      return;
    }
    const known = this.gated.get(key) ?? this.unschedulable.get(key) ?? this.active.get(key) ?? this.backoff.get(key);
    if (!known) {
      this.enqueue(this.newEntry(pod));
      return;
    }
    const entry: QueueEntry = { ...known, pod, priority: pod.spec?.priority ?? 0 };
    if (this.gated.delete(key)) {
      this.enqueue(entry);
    } else if (this.unschedulable.has(key)) {
      const event: ClusterEvent = { kind: 'PodChanged', object: pod, pod };
      this.unschedulable.set(key, entry);
      if (specChanged(known.pod, pod) && this.options.helps(entry, event)) this.release(entry);
    } else if (this.active.has(key)) {
      this.active.push(entry);
    } else {
      this.backoff.push(entry);
    }
  }

  delete(key: string): void {
    this.active.delete(key);
    this.backoff.delete(key);
    this.unschedulable.delete(key);
    this.gated.delete(key);
    const flying = this.inFlight.get(key);
    if (flying) flying.deleted = true;
  }

  /** Something happened that may make pods schedulable. */
  event(event: ClusterEvent): void {
    this.eventCount += 1;
    if (this.inFlight.size > 0) {
      this.recent.push(event);
      if (this.recent.length > 1024) this.recent = this.recent.slice(512);
    } else if (this.recent.length > 0) {
      this.recent = [];
    }
    for (const entry of this.unschedulable.values()) if (this.options.helps(entry, event)) this.release(entry);
  }

  /** The next pod to try; it is to be given back by `done` or `putBack`. Rejects with `signal.reason` when aborted. */
  async take(signal: AbortSignal): Promise<QueueEntry> {
    for (;;) {
      signal.throwIfAborted();
      const entry = this.takeNow();
      if (entry) return entry;
      await this.untilChange(signal);
    }
  }

  takeNow(): QueueEntry | undefined {
    let entry = this.active.pop();
    if (!entry) {
      const early = this.backoff.peek();
      if (early && !early.failed) entry = this.backoff.pop();
    }
    if (!entry) return undefined;
    this.inFlight.set(entry.key, { deleted: false, latest: undefined });
    return { ...entry, takenAt: this.eventCount };
  }

  /** The pod has a node, or is gone. */
  done(key: string): void {
    this.inFlight.delete(key);
  }

  /** The pod could not be placed. `rejectedBy` empty means an error: it is tried again after its back-off. */
  putBack(entry: QueueEntry, rejectedBy: ReadonlySet<string>): void {
    const flying = this.inFlight.get(entry.key);
    this.inFlight.delete(entry.key);
    if (flying?.deleted) return;
    const now = this.options.clock.now();
    const attempts = entry.attempts + 1;
    const delay = Math.min(this.options.initialBackoff * 2 ** Math.min(attempts - 1, 30), this.options.maxBackoff);
    const next: QueueEntry = {
      ...entry,
      pod: flying?.latest ?? entry.pod,
      attempts,
      backoffUntil: now + delay,
      failed: rejectedBy.size === 0,
      rejectedBy,
      parkedAt: now,
    };
    if (next.failed || this.happenedMeanwhile(next, flying?.latest)) {
      this.release(next);
    } else {
      this.unschedulable.set(next.key, next);
      this.arm(next.parkedAt + this.options.flushAfter);
    }
  }

  /** Brings pods back whose time has come. Called by the queue's own timer. */
  flush(): void {
    const now = this.options.clock.now();
    while ((this.backoff.peek()?.backoffUntil ?? Number.POSITIVE_INFINITY) <= now) this.activate(this.backoff.pop()!);
    let nextFlush = Number.POSITIVE_INFINITY;
    for (const entry of this.unschedulable.values()) {
      const due = entry.parkedAt + this.options.flushAfter;
      if (due <= now) this.release(entry);
      else nextFlush = Math.min(nextFlush, due);
    }
    this.arm(Math.min(nextFlush, this.backoff.peek()?.backoffUntil ?? Number.POSITIVE_INFINITY));
  }

  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.timerAt = Number.POSITIVE_INFINITY;
  }

  private happenedMeanwhile(entry: QueueEntry, latest: Pod | undefined): boolean {
    if (latest && this.options.helps(entry, { kind: 'PodChanged', object: latest, pod: latest })) return true;
    const missed = this.eventCount - entry.takenAt;
    if (missed > this.recent.length) return true;
    return missed > 0 && this.recent.slice(-missed).some((event) => this.options.helps(entry, event));
  }

  private newEntry(pod: Pod): QueueEntry {
    return {
      pod,
      key: keyOf(pod),
      priority: pod.spec?.priority ?? 0,
      queuedAt: this.options.clock.now(),
      sequence: this.nextSequence++,
      attempts: 0,
      backoffUntil: 0,
      failed: false,
      rejectedBy: new Set(),
      takenAt: 0,
      parkedAt: 0,
    };
  }

  private enqueue(entry: QueueEntry): void {
    const gate = this.options.gate(entry.pod);
    if (gate === undefined) this.activate(entry);
    else this.gated.set(entry.key, { ...entry, rejectedBy: new Set([gate]) });
  }

  /** Out of `unschedulable`: to the back-off while that lasts, else to be tried now. */
  private release(entry: QueueEntry): void {
    this.unschedulable.delete(entry.key);
    if (entry.backoffUntil <= this.options.clock.now()) {
      this.enqueue(entry);
      return;
    }
    this.backoff.push(entry);
    this.arm(entry.backoffUntil);
    this.wake();
  }

  private activate(entry: QueueEntry): void {
    this.active.push(entry);
    this.wake();
  }

  private wake(): void {
    this.waiting?.();
  }

  private untilChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        this.waiting = undefined;
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.waiting = finish;
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  private arm(at: number): void {
    if (at >= this.timerAt || at === Number.POSITIVE_INFINITY) return;
    this.cancelTimer?.();
    this.timerAt = at;
    this.cancelTimer = this.options.clock.after(Math.max(0, at - this.options.clock.now()), () => {
      this.timerAt = Number.POSITIVE_INFINITY;
      this.flush();
    });
  }
}

/** Whether something changed that scheduling depends on; a pod's status does not. */
function specChanged(before: Pod, after: Pod): boolean {
  return before.metadata.generation !== after.metadata.generation || before.metadata.labels !== after.metadata.labels;
}
