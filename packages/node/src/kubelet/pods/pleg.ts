import { GrpcError, grpcCode, type RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { runtimeLabels } from './runtime-pod.ts';
import type { RuntimePodSummary, RuntimeReader } from './runtime-reader.ts';

export interface PlegOptions {
  readonly runtime: RuntimeService;
  readonly reader: RuntimeReader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something about this pod changed in the runtime. */
  readonly changed: (pod: { uid: string; name: string; namespace: string }) => void;
}

const relistMs = 1000;
const relistWithEventsMs = 300_000;
const healthyWithinMs = 180_000;

/**
 * Notices what happens to containers (the pod life cycle event generator): by the runtime's events where it has them,
 * else by listing everything each second and comparing.
 */
export class Pleg {
  readonly #options: PlegOptions;
  #known: ReadonlyMap<string, RuntimePodSummary> = new Map();
  #relistedAt = 0;
  #evented = false;

  constructor(options: PlegOptions) {
    this.#options = options;
  }

  /** Why the node is not healthy, in the words of its Ready condition. */
  problem(): string | undefined {
    const age = this.#options.clock.now() - this.#relistedAt;
    const limit = this.#evented ? relistWithEventsMs + healthyWithinMs : healthyWithinMs;
    if (this.#relistedAt === 0) return 'PLEG is not healthy: pleg has yet to be successful';
    if (age <= limit) return undefined;
    return `PLEG is not healthy: pleg was last seen active ${Math.round(age / 1000)}s ago; threshold is 3m0s`;
  }

  /** Pods that the runtime had at the last look. */
  pods(): readonly RuntimePodSummary[] {
    return [...this.#known.values()];
  }

  /** The first look; rejects if the runtime does not answer. */
  async relist(signal: AbortSignal): Promise<void> {
    const before = this.#known;
    const now = await this.#options.reader.summaries(signal);
    this.#known = now;
    this.#relistedAt = this.#options.clock.now();
    for (const [uid, summary] of now) {
      if (before.get(uid)?.fingerprint !== summary.fingerprint) this.#options.changed(summary);
    }
    for (const [uid, summary] of before) if (!now.has(uid)) this.#options.changed(summary);
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const events = this.#follow(signal);
    let said: string | undefined;
    while (!signal.aborted) {
      try {
        await clock.sleep(this.#evented ? relistWithEventsMs : relistMs, signal);
        await this.relist(signal);
        if (said !== undefined) logger.info('the runtime answers again');
        said = undefined;
      } catch (error) {
        if (signal.aborted) break;
        // Said once, not every second for as long as it is away.
        if (String(error) !== said)
          logger.warn('the runtime could not be asked for its pods', { error: String(error) });
        said = String(error);
      }
    }
    await events;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { runtime, clock, logger, changed } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const event of runtime.getContainerEvents({}, signal)) {
          this.#evented = true;
          const status = event.podSandboxStatus;
          const labels = status?.labels ?? event.containersStatuses?.[0]?.labels;
          const uid = status?.metadata?.uid ?? labels?.[runtimeLabels.podUid];
          if (uid === undefined) continue;
          changed({
            uid,
            name: status?.metadata?.name ?? labels?.[runtimeLabels.podName] ?? '',
            namespace: status?.metadata?.namespace ?? labels?.[runtimeLabels.podNamespace] ?? '',
          });
        }
      } catch (error) {
        if (signal.aborted || (error instanceof GrpcError && error.code === grpcCode.unimplemented)) {
          this.#evented = false;
          return;
        }
        logger.warn('the stream of container events broke, listing instead', { error: String(error) });
      }
      this.#evented = false;
      try {
        await clock.sleep(relistMs, signal);
      } catch {
        return;
      }
    }
  }
}
