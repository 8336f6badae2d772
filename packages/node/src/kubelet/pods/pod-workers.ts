import type { Pod } from '@keelson/core/api';
import type { Clock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { gracePeriodOf } from './pod-facts.ts';

/** Who a worker works for; `pod` is absent for what only the runtime knows. */
export interface PodIdentity {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
}

export interface PodFailure {
  readonly reason: string;
  readonly message: string;
}

export interface SyncResult {
  /** The pod has come to its end by itself. */
  readonly ended?: boolean;
  /** Ends it with phase Failed. */
  readonly failure?: PodFailure;
  /** When to look again; without, at the next event. */
  readonly againInMs?: number;
}

/** The three steps of a pod's life on a node; each may be repeated, and rejects to be tried again. */
export interface PodSteps {
  sync(pod: Pod, signal: AbortSignal): Promise<SyncResult>;
  /** Ends all containers. */
  terminating(
    work: {
      readonly identity: PodIdentity;
      readonly pod: Pod | undefined;
      readonly graceSeconds: number;
      readonly failure: PodFailure | undefined;
    },
    signal: AbortSignal,
  ): Promise<void>;
  /** Containers are gone: takes down everything else. */
  terminated(
    work: {
      readonly identity: PodIdentity;
      readonly pod: Pod | undefined;
      readonly failure: PodFailure | undefined;
      /** The API has forgotten the pod. */
      readonly removed: boolean;
    },
    signal: AbortSignal,
  ): Promise<void>;
  /** The last that is heard of a pod. */
  forgotten(identity: PodIdentity): void;
}

type Stage = 'syncing' | 'terminating' | 'terminated' | 'finished';

interface Worker {
  readonly identity: PodIdentity;
  pod: Pod | undefined;
  stage: Stage;
  /** Gone from the API: forgotten as soon as it is finished. */
  removed: boolean;
  failure: PodFailure | undefined;
  graceSeconds: number;
  dirty: boolean;
  running: boolean;
  failures: number;
  cancelTimer: (() => void) | undefined;
  /** Interrupts the step that runs. */
  step: AbortController | undefined;
}

const firstRetryMs = 500;
const lastRetryMs = 120_000;

/**
 * One worker a pod UID: never two steps of a pod at once, the latest update counts, and a pod that began to terminate
 * never goes back.
 */
export class PodWorkers {
  readonly #steps: PodSteps;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #workers = new Map<string, Worker>();
  #stop: AbortSignal | undefined;

  constructor(steps: PodSteps, clock: Clock, logger: Logger) {
    this.#steps = steps;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(signal: AbortSignal): void {
    this.#stop = signal;
    // One listener for all: joining two signals for each step costs more than a simulated step does.
    const interrupt = () => {
      for (const { step } of this.#workers.values()) step?.abort(signal.reason);
    };
    signal.addEventListener('abort', interrupt, { once: true });
    for (const worker of this.#workers.values()) this.#schedule(worker, 0);
  }

  /** A pod of the API, new or changed. One that is being deleted or has ended begins to terminate. */
  update(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const identity = { uid, name: pod.metadata.name, namespace: pod.metadata.namespace ?? '' };
    const worker = this.#of(identity);
    const deleting = pod.metadata.deletionTimestamp !== undefined;
    // What a pod that ended leaves for `kubectl logs` goes when it is deleted.
    if (worker.stage === 'finished' && deleting && worker.pod?.metadata.deletionTimestamp === undefined) {
      worker.stage = 'terminated';
    }
    worker.pod = pod;
    const phase = pod.status?.phase;
    if (deleting) this.#terminate(worker, gracePeriodOf(pod));
    else if (worker.stage === 'syncing' && (phase === 'Succeeded' || phase === 'Failed'))
      this.#terminate(worker, gracePeriodOf(pod));
    this.#schedule(worker, 0);
  }

  /** The pod is gone from the API; whatever runs of it is ended. */
  remove(identity: PodIdentity): void {
    const worker = this.#of(identity);
    worker.removed = true;
    const grace = worker.pod ? Math.min(gracePeriodOf(worker.pod), worker.graceSeconds) : worker.graceSeconds;
    this.#terminate(worker, grace);
    if (worker.stage === 'finished' && worker.pod?.metadata.deletionTimestamp !== undefined) this.#forget(worker);
    else {
      if (worker.stage === 'finished') worker.stage = 'terminated';
      this.#schedule(worker, 0);
    }
  }

  /** Ends a pod with phase Failed, such as for an eviction. */
  fail(uid: string, failure: PodFailure, graceSeconds: number): void {
    const worker = this.#workers.get(uid);
    if (worker === undefined || worker.stage !== 'syncing') return;
    worker.failure = failure;
    this.#terminate(worker, graceSeconds);
    this.#schedule(worker, 0);
  }

  /** Something happened to the pod: look now. */
  wake(uid: string): void {
    const worker = this.#workers.get(uid);
    if (worker && worker.stage !== 'finished') this.#schedule(worker, 0);
  }

  has(uid: string): boolean {
    return this.#workers.has(uid);
  }

  stageOf(uid: string): Stage | undefined {
    return this.#workers.get(uid)?.stage;
  }

  /** Whether nothing of the pod runs any more. */
  hasEnded(uid: string): boolean {
    const stage = this.stageOf(uid);
    return stage === 'terminated' || stage === 'finished';
  }

  #of(identity: PodIdentity): Worker {
    const known = this.#workers.get(identity.uid);
    if (known) return known;
    const worker: Worker = {
      identity,
      pod: undefined,
      stage: 'syncing',
      removed: false,
      failure: undefined,
      graceSeconds: 30,
      dirty: false,
      running: false,
      failures: 0,
      cancelTimer: undefined,
      step: undefined,
    };
    this.#workers.set(identity.uid, worker);
    return worker;
  }

  #forget(worker: Worker): void {
    worker.cancelTimer?.();
    this.#workers.delete(worker.identity.uid);
    this.#steps.forgotten(worker.identity);
  }

  #terminate(worker: Worker, graceSeconds: number): void {
    if (worker.stage === 'syncing') {
      worker.stage = 'terminating';
      worker.graceSeconds = graceSeconds;
      worker.failures = 0;
      worker.step?.abort(new Error('the pod is terminating'));
    } else if (worker.stage === 'terminating' && graceSeconds < worker.graceSeconds) {
      // A shorter grace period replaces a longer one, never the other way round.
      worker.graceSeconds = graceSeconds;
      worker.step?.abort(new Error('the grace period got shorter'));
    }
  }

  #schedule(worker: Worker, delayMs: number): void {
    worker.cancelTimer?.();
    worker.cancelTimer = undefined;
    if (this.#stop === undefined || this.#stop.aborted) return;
    if (worker.running) {
      if (delayMs === 0) worker.dirty = true;
      return;
    }
    if (delayMs > 0) {
      worker.cancelTimer = this.#clock.after(delayMs, () => this.#schedule(worker, 0));
      return;
    }
    worker.running = true;
    void this.#run(worker, this.#stop);
  }

  async #run(worker: Worker, stop: AbortSignal): Promise<void> {
    let againInMs: number | undefined;
    do {
      worker.dirty = false;
      worker.step = new AbortController();
      const { signal } = worker.step;
      try {
        againInMs = await this.#step(worker, signal);
        worker.failures = 0;
      } catch (error) {
        againInMs = undefined;
        if (stop.aborted) break;
        if (signal.aborted) {
          worker.dirty = true;
          continue;
        }
        againInMs = Math.min(lastRetryMs, firstRetryMs * 2 ** worker.failures);
        worker.failures += 1;
        const { uid, ...pod } = worker.identity;
        this.#logger.warn('a pod could not be synced, trying again', {
          ...pod,
          uid,
          stage: worker.stage,
          error: String(error),
        });
      }
    } while (worker.dirty && !stop.aborted && worker.stage !== 'finished');
    worker.step = undefined;
    worker.running = false;
    if (stop.aborted) return;
    if (worker.stage === 'finished') {
      if (worker.removed) this.#forget(worker);
      return;
    }
    if (againInMs !== undefined) this.#schedule(worker, againInMs);
  }

  async #step(worker: Worker, signal: AbortSignal): Promise<number | undefined> {
    const { identity, pod, failure } = worker;
    switch (worker.stage) {
      case 'syncing': {
        if (pod === undefined) {
          this.#terminate(worker, worker.graceSeconds);
          worker.dirty = true;
          return undefined;
        }
        const result = await this.#steps.sync(pod, signal);
        if (worker.stage !== 'syncing') worker.dirty = true;
        else if (result.ended || result.failure) {
          worker.failure = result.failure;
          this.#terminate(worker, gracePeriodOf(pod));
          worker.dirty = true;
        }
        return result.againInMs;
      }
      case 'terminating':
        await this.#steps.terminating({ identity, pod, graceSeconds: worker.graceSeconds, failure }, signal);
        worker.stage = 'terminated';
        worker.dirty = true;
        return undefined;
      case 'terminated':
        await this.#steps.terminated({ identity, pod, failure, removed: worker.removed }, signal);
        worker.stage = 'finished';
        return undefined;
      case 'finished':
        return undefined;
    }
  }
}
