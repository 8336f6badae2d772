import type { Container, LifecycleHandler, Pod } from '@keelson/core/api';
import { GrpcError, grpcCode, type RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { z } from 'zod';
import { runHook } from '../lifecycle/hooks.ts';
import { findContainer, isSidecar } from './pod-facts.ts';
import { type RuntimeContainer, type RuntimePod, runtimeAnnotations } from './runtime-pod.ts';

export interface PodKillerOptions {
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly event: (pod: Pod, container: string, kind: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly stopped: (containerId: string) => void;
}

const minimumGraceMs = 2000;
const hook = z.object({
  exec: z.object({ command: z.array(z.string()).optional() }).optional(),
  httpGet: z.looseObject({ port: z.union([z.string(), z.number()]) }).optional(),
  sleep: z.object({ seconds: z.number() }).optional(),
  tcpSocket: z.object({ host: z.string().optional(), port: z.union([z.string(), z.number()]) }).optional(),
});

/** Ends containers and pods: preStop within the grace period, TERM, KILL; sidecars last, in reverse order. */
export class PodKiller {
  readonly #options: PodKillerOptions;

  constructor(options: PodKillerOptions) {
    this.#options = options;
  }

  /**
   * Ends every container of a pod and stops its sandboxes. `pod` is absent for one that only the runtime knows.
   * @param graceSeconds for the whole pod
   */
  async killPod(pod: Pod | undefined, actual: RuntimePod, graceSeconds: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.now() + graceSeconds * 1000;
    const running = actual.containers.filter((each) => each.state === 'running' || each.state === 'unknown');
    const sidecars = new Set((pod?.spec.initContainers ?? []).filter(isSidecar).map((each) => each.name));
    const ip = actual.sandboxes.find((each) => each.ready)?.ips[0] ?? '';
    const kill = (each: RuntimeContainer) =>
      this.killContainer(
        { pod, container: each, podIp: ip, graceSeconds: Math.ceil((end - clock.now()) / 1000) },
        signal,
      );
    await all(running.filter((each) => !sidecars.has(each.name)).map(kill));
    for (const name of [...sidecars].reverse()) {
      await all(running.filter((each) => each.name === name).map(kill));
    }
    for (const sandbox of actual.sandboxes) {
      await goneIsFine(this.#options.runtime.stopPodSandbox({ podSandboxId: sandbox.id }, signal));
    }
  }

  async killContainer(
    request: {
      readonly pod: Pod | undefined;
      readonly container: RuntimeContainer;
      readonly podIp: string;
      readonly graceSeconds: number;
      /** For the event; `Stopping container x` unless given. */
      readonly message?: string;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const { runtime, clock, event, stopped } = this.#options;
    const { pod, container } = request;
    if (pod) event(pod, container.name, 'Normal', 'Killing', request.message ?? `Stopping container ${container.name}`);
    stopped(container.id);
    const started = clock.now();
    const graceMs = Math.max(0, request.graceSeconds) * 1000;
    if (graceMs > 0 && container.state === 'running') await this.#preStop(request, graceMs, signal);
    const left = Math.max(minimumGraceMs, graceMs - (clock.now() - started));
    const timeout = Math.ceil((request.graceSeconds <= 0 ? 0 : left) / 1000);
    await goneIsFine(runtime.stopContainer({ containerId: container.id, timeout }, signal));
  }

  async #preStop(
    {
      pod,
      container,
      podIp,
    }: { readonly pod: Pod | undefined; readonly container: RuntimeContainer; readonly podIp: string },
    graceMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { runtime, clock, logger, event } = this.#options;
    const spec = pod && findContainer(pod, container.name);
    const handler = spec?.lifecycle?.preStop ?? recordedHook(container, logger);
    if (handler === undefined) return;
    const limit = new AbortController();
    const cancel = clock.after(graceMs, () => limit.abort(new Error('the grace period is over')));
    try {
      const target: Pick<Container, 'name' | 'ports'> = spec ?? { name: container.name };
      await runHook(
        handler,
        { container: target, containerId: container.id, podIp },
        runtime,
        clock,
        AbortSignal.any([signal, limit.signal]),
      );
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      if (pod && !limit.signal.aborted)
        event(pod, container.name, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${why}`);
    } finally {
      cancel();
    }
  }
}

/** The hook as it was when the container was made, for a pod that is known by its containers only. */
function recordedHook(container: RuntimeContainer, logger: Logger): LifecycleHandler | undefined {
  const text = container.annotations[runtimeAnnotations.preStopHandler];
  if (text === undefined) return undefined;
  try {
    return hook.parse(JSON.parse(text));
  } catch (error) {
    logger.warn('a recorded preStop handler cannot be read', { container: container.id, error: String(error) });
    return undefined;
  }
}

export async function goneIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof GrpcError && error.code === grpcCode.notFound)) throw error;
  }
}

/** Waits for all, then rejects with the first failure: one stuck container must not hide another's end. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
