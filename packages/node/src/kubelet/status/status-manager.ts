import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { Pod, type PodStatus } from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import { type Clock, deepEqual, isStatusError } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { isTerminalPhase } from '../pods/pod-facts.ts';
import { formatTime } from '../time.ts';
import { stampConditions, statusPatch } from './status-patch.ts';

export interface StatusManagerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The pod as the API has it now, or `undefined` when it is gone. */
  readonly pod: (uid: string) => Pod | undefined;
  /** Called after the API confirmed that a pod is gone or nobody's any more. */
  readonly maxInFlight?: number;
}

interface Entry {
  status: PodStatus;
  /** Everything of the pod is cleaned up: it may leave the API. */
  finished: boolean;
  dirty: boolean;
  running: boolean;
  /** What the API answered last, while the informer may still be behind. */
  sent: Pod | undefined;
}

/**
 * Says to the API what a kubelet knows about its pods: only what changed, the latest only, and at most one call a pod at
 * a time. A pod that is being deleted leaves the API when its phase is terminal and `finish` was called.
 */
export class StatusManager {
  readonly #options: StatusManagerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #queue = new Set<string>();
  #inFlight = 0;
  #pumping = false;
  #stop: AbortSignal | undefined;

  constructor(options: StatusManagerOptions) {
    this.#options = options;
  }

  start(signal: AbortSignal): void {
    this.#stop = signal;
    this.#pump();
  }

  /** What was last said, or what the API holds from an earlier kubelet. */
  get(pod: Pod): PodStatus | undefined {
    return this.#entries.get(pod.metadata.uid ?? '')?.status ?? pod.status;
  }

  set(pod: Pod, next: PodStatus): void {
    const uid = pod.metadata.uid ?? '';
    const previous = this.get(pod);
    if (isTerminalPhase(previous?.phase) && next.phase !== previous?.phase) {
      this.#options.logger.warn('a terminal phase does not change', {
        pod: pod.metadata.name,
        from: previous?.phase,
        to: next.phase,
      });
      return;
    }
    const stamped = stampConditions(next, previous, formatTime(this.#options.clock.now()));
    const entry = this.#entries.get(uid);
    if (entry && deepEqual(entry.status, stamped)) return;
    if (entry) {
      entry.status = stamped;
      entry.dirty = true;
    } else {
      this.#entries.set(uid, { status: stamped, finished: false, dirty: true, running: false, sent: undefined });
    }
    this.#enqueue(uid);
  }

  /** Everything of the pod is cleaned up here. */
  finish(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const entry = this.#entries.get(uid);
    if (entry === undefined) {
      this.#entries.set(uid, {
        status: pod.status ?? {},
        finished: true,
        dirty: true,
        running: false,
        sent: undefined,
      });
    } else {
      entry.finished = true;
      entry.dirty = true;
    }
    this.#enqueue(uid);
  }

  /** The pod changed in the API: what is missing there is said again. */
  refresh(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    const removable = entry.finished && pod.metadata.deletionTimestamp !== undefined;
    if (!removable && statusPatch(newer(pod, entry.sent), entry.status) === undefined) return;
    entry.dirty = true;
    this.#enqueue(uid);
  }

  forget(uid: string): void {
    this.#entries.delete(uid);
  }

  #enqueue(uid: string): void {
    this.#queue.add(uid);
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#pumpNextTurn();
  }

  /** What a pod goes through within one turn of the event loop is told as one change. */
  async #pumpNextTurn(): Promise<void> {
    await turnOfEventLoop();
    this.#pumping = false;
    this.#pump();
  }

  #pump(): void {
    const signal = this.#stop;
    if (signal === undefined) return;
    const limit = this.#options.maxInFlight ?? 8;
    for (const uid of this.#queue) {
      if (this.#inFlight >= limit || signal.aborted) return;
      this.#queue.delete(uid);
      const entry = this.#entries.get(uid);
      if (entry === undefined || entry.running || !entry.dirty) continue;
      entry.running = true;
      entry.dirty = false;
      this.#inFlight += 1;
      void this.#send(uid, entry, signal).then((again) => {
        entry.running = false;
        this.#inFlight -= 1;
        if (again) entry.dirty = true;
        if (entry.dirty) this.#queue.add(uid);
        this.#pump();
      });
    }
  }

  /** @returns whether it has to be tried again at once (after a pause that it took itself) */
  async #send(uid: string, entry: Entry, signal: AbortSignal): Promise<boolean> {
    const { client, logger, clock } = this.#options;
    const known = this.#options.pod(uid);
    if (known === undefined) return false;
    const pod = newer(known, entry.sent);
    try {
      const patch = statusPatch(pod, entry.status);
      const current =
        patch === undefined
          ? pod
          : await client.patch(Pod, pod.metadata, { strategic: patch }, { subresource: 'status', signal });
      entry.sent = current;
      if (entry.finished && current.metadata.deletionTimestamp !== undefined) {
        await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid }, signal });
      }
      return false;
    } catch (error) {
      if (signal.aborted || isStatusError(error, 'NotFound')) return false;
      // A conflict over the UID: another pod has the name now, and the informer is about to say so.
      if (isStatusError(error, 'Conflict') && this.#options.pod(uid) === undefined) return false;
      logger.warn('pod status was not written, trying again', { pod: pod.metadata.name, error: String(error) });
      return clock.sleep(1000, signal).then(
        () => true,
        () => false,
      );
    }
  }
}

function newer(informed: Pod, sent: Pod | undefined): Pod {
  if (sent === undefined) return informed;
  const a = Number(informed.metadata.resourceVersion ?? 0);
  const b = Number(sent.metadata.resourceVersion ?? 0);
  return a >= b ? informed : sent;
}
