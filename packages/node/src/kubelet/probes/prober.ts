import type { Container, Probe } from '@keelson/core/api';
import { GrpcError, grpcCode, type RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import { hasErrorCode } from '../errors.ts';
import { type HttpAnswer, httpGet, httpTarget, resolvePort } from '../lifecycle/http-action.ts';
import { formatDuration } from '../time.ts';
import { grpcHealth } from './grpc-health.ts';
import type { ProbeOutcome } from './probe-outcome.ts';
import { connectTcp, dialError } from './tcp.ts';

export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
}

/** Performs one probe within its time limit; never rejects but for `signal`. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  runtime: RuntimeService,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const limit = new AbortController();
  const cancel = clock.after(timeoutMs, () => limit.abort(new Error('timeout')));
  const both = AbortSignal.any([signal, limit.signal]);
  try {
    if (probe.exec) return await execProbe(probe.exec.command ?? [], timeoutMs, target, runtime, both, limit.signal);
    if (probe.httpGet) {
      const wanted = httpTarget(probe.httpGet, target.container, target.podIp);
      return await httpProbe(wanted, both, limit.signal);
    }
    if (probe.tcpSocket) {
      const port = resolvePort(probe.tcpSocket.port, target.container);
      return await tcpProbe(probe.tcpSocket.host || target.podIp, port, both, limit.signal);
    }
    if (probe.grpc) return await grpcHealth(target.podIp, probe.grpc.port, probe.grpc.service ?? '', both, timeoutMs);
    return { result: 'unknown', message: `missing probe handler for ${target.container.name}` };
  } catch (error) {
    signal.throwIfAborted();
    return { result: 'unknown', message: error instanceof Error ? error.message : String(error) };
  } finally {
    cancel();
  }
}

async function execProbe(
  cmd: readonly string[],
  timeoutMs: number,
  target: ProbeTarget,
  runtime: RuntimeService,
  signal: AbortSignal,
  limit: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    const request = { containerId: target.containerId, cmd, timeout: Math.ceil(timeoutMs / 1000) };
    const { exitCode = 0, stdout, stderr } = await runtime.execSync(request, signal);
    const output = Buffer.concat([Buffer.from(stdout ?? []), Buffer.from(stderr ?? [])]).subarray(0, 10 * 1024);
    return { result: exitCode === 0 ? 'success' : 'failure', message: output.toString('utf8') };
  } catch (error) {
    const timedOut = limit.aborted || (error instanceof GrpcError && error.code === grpcCode.deadlineExceeded);
    if (!timedOut) throw error;
    const quoted = cmd.map((each) => JSON.stringify(each).slice(1, -1)).join(' ');
    return {
      result: 'failure',
      message: `command timed out: "${quoted}" timed out after ${formatDuration(timeoutMs)}`,
    };
  }
}

async function httpProbe(
  target: { readonly url: string; readonly headers: Readonly<Record<string, string | string[]>> },
  signal: AbortSignal,
  limit: AbortSignal,
): Promise<ProbeOutcome> {
  const start = new URL(target.url);
  let at = start;
  try {
    for (let hops = 0; ; hops += 1) {
      const answer: HttpAnswer = await httpGet({ url: at.href, headers: target.headers }, signal);
      const redirect = answer.statusCode >= 300 && answer.statusCode < 400 && answer.location !== undefined;
      const next = redirect ? new URL(answer.location ?? '', at) : undefined;
      // A redirect to another host says that the container answers; where it leads is not its health.
      if (next === undefined || next.hostname !== start.hostname) return httpVerdict(answer);
      if (hops >= 10) return { result: 'failure', message: `Get "${at.href}": stopped after 10 redirects` };
      at = next;
    }
  } catch (error) {
    if (limit.aborted) {
      const message = `Get "${target.url}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`;
      return { result: 'failure', message };
    }
    if (signal.aborted) throw error;
    const port = at.port || (at.protocol === 'https:' ? 443 : 80);
    const dial = hasErrorCode(error, 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT');
    const why = dial ? dialError(error, at.hostname.replace(/^\[|\]$/g, ''), port) : readError(error);
    return { result: 'failure', message: `Get "${target.url}": ${why}` };
  }
}

function readError(error: unknown): string {
  if (hasErrorCode(error, 'ECONNRESET')) return 'EOF';
  return error instanceof Error ? error.message : String(error);
}

function httpVerdict({ statusCode, body }: HttpAnswer): ProbeOutcome {
  if (statusCode >= 200 && statusCode < 400) return { result: 'success', message: body };
  return { result: 'failure', message: `HTTP probe failed with statuscode: ${statusCode}` };
}

async function tcpProbe(host: string, port: number, signal: AbortSignal, limit: AbortSignal): Promise<ProbeOutcome> {
  try {
    await connectTcp(host, port, signal);
    return { result: 'success', message: '' };
  } catch (error) {
    if (signal.aborted && !limit.aborted) throw error;
    return { result: 'failure', message: dialError(error, host, port) };
  }
}
