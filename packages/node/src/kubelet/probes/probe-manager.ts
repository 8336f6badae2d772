import type { Container, Pod, Probe } from '@keelson/core/api';
import type { RuntimeService } from '@keelson/core/cri';
import type { Clock, Random } from '@keelson/core/machinery';
import { isSidecar } from '../pods/pod-facts.ts';
import type { ProbeState } from '../status/container-status.ts';
import { runProbe } from './prober.ts';
import { initialTally, type ProbeKind, type Tally, tally } from './tally.ts';

export interface ProbeSubject {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

export interface ProbeManagerOptions {
  /** Whether containers can be probed at all; where not, all count as started, alive and ready. */
  readonly enabled: boolean;
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly random: Random;
  /** A verdict changed: the pod is to be synced. */
  readonly changed: (podUid: string) => void;
  readonly event: (pod: Pod, container: string, kind: 'Warning', reason: string, message: string) => void;
}

interface Worker {
  readonly subject: ProbeSubject;
  readonly stop: AbortController;
  readonly tallies: Map<ProbeKind, Tally>;
}

/**
 * Probes running containers: one loop for each probe. The startup probe goes first; the others begin when it has
 * succeeded. Verdicts belong to a container id, so a restarted container begins anew.
 */
export class ProbeManager {
  readonly #options: ProbeManagerOptions;
  readonly #workers = new Map<string, Worker>();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
  }

  /** Begins to probe a container that runs; a second call for the same id does nothing. */
  watch(subject: ProbeSubject): void {
    const { container, containerId } = subject;
    if (this.#workers.has(containerId)) return;
    const probes = this.#options.enabled ? probesOf(container) : [];
    if (probes.length === 0) return;
    const worker: Worker = { subject, stop: new AbortController(), tallies: new Map() };
    for (const [kind] of probes) worker.tallies.set(kind, toldBefore(subject, kind) ?? initialTally(kind));
    this.#workers.set(containerId, worker);
    for (const [kind, probe] of probes) void this.#loop(worker, kind, probe);
  }

  unwatch(containerId: string): void {
    this.#workers.get(containerId)?.stop.abort(new Error('no longer probed'));
    this.#workers.delete(containerId);
  }

  /** Ends the probing of every container of a pod, or of those that `keep` does not name. */
  unwatchPod(podUid: string, keep: ReadonlySet<string> = new Set()): void {
    for (const [id, worker] of this.#workers) {
      if (worker.subject.pod.metadata.uid === podUid && !keep.has(id)) this.unwatch(id);
    }
  }

  stop(): void {
    for (const id of [...this.#workers.keys()]) this.unwatch(id);
  }

  liveness(containerId: string): 'success' | 'failure' | undefined {
    return this.#workers.get(containerId)?.tallies.get('liveness')?.verdict;
  }

  startup(containerId: string): 'success' | 'failure' | undefined {
    return this.#options.enabled ? this.#workers.get(containerId)?.tallies.get('startup')?.verdict : 'success';
  }

  /** Whether a running container counts as started and ready. */
  state(container: Container, containerId: string): ProbeState {
    if (!this.#options.enabled) return { started: true, ready: true };
    const worker = this.#workers.get(containerId);
    const started = container.startupProbe === undefined || worker?.tallies.get('startup')?.verdict === 'success';
    const ready = container.readinessProbe === undefined || worker?.tallies.get('readiness')?.verdict === 'success';
    return { started, ready: started && ready };
  }

  async #loop(worker: Worker, kind: ProbeKind, probe: Probe): Promise<void> {
    const { clock, random } = this.#options;
    const signal = worker.stop.signal;
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const delayMs = worker.subject.startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
    try {
      // After a restart of the kubelet all containers are probed again; not all in the same instant.
      const young = clock.now() - worker.subject.startedAt < periodMs;
      await clock.sleep(Math.max(0, delayMs, young ? 0 : random() * periodMs), signal);
      for (;;) {
        const started = worker.tallies.get('startup');
        const due = kind === 'startup' ? started?.verdict !== 'success' : !started || started.verdict === 'success';
        if (due) await this.#once(worker, kind, probe);
        if (kind === 'startup' && worker.tallies.get('startup')?.verdict === 'success') return;
        await clock.sleep(periodMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #once(worker: Worker, kind: ProbeKind, probe: Probe): Promise<void> {
    const { runtime, clock, changed, event } = this.#options;
    const { subject } = worker;
    const signal = worker.stop.signal;
    const outcome = await runProbe(probe, subject, runtime, clock, signal);
    signal.throwIfAborted();
    const before = worker.tallies.get(kind) ?? initialTally(kind);
    const after = tally(before, kind, probe, outcome.result);
    worker.tallies.set(kind, after);
    const name = kind === 'liveness' ? 'Liveness' : kind === 'readiness' ? 'Readiness' : 'Startup';
    if (outcome.result === 'failure') {
      event(subject.pod, subject.container.name, 'Warning', 'Unhealthy', `${name} probe failed: ${outcome.message}`);
    } else if (outcome.result === 'unknown') {
      event(subject.pod, subject.container.name, 'Warning', 'Unhealthy', `${name} probe errored: ${outcome.message}`);
    }
    if (after.verdict !== before.verdict) changed(subject.pod.metadata.uid ?? '');
  }
}

function probesOf(container: Container): readonly (readonly [ProbeKind, Probe])[] {
  const all = [
    ['startup', container.startupProbe],
    ['liveness', container.livenessProbe],
    ['readiness', container.readinessProbe],
  ] as const;
  return all.flatMap(([kind, probe]) => (probe ? [[kind, probe] as const] : []));
}

/** Init containers are probed only if they are sidecars. */
export function isProbed(container: Container, kind: 'init' | 'container' | 'ephemeral'): boolean {
  return kind === 'container' || (kind === 'init' && isSidecar(container));
}

/** What the API was told of this very container before a kubelet was started again stands until a probe says otherwise. */
function toldBefore({ pod, containerId }: ProbeSubject, kind: ProbeKind): Tally | undefined {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const told = all.find((each) => each.containerID?.endsWith(`://${containerId}`));
  const good = kind === 'readiness' ? told?.ready : kind === 'startup' ? told?.started : undefined;
  return good ? { ...initialTally(kind), verdict: 'success' } : undefined;
}
