import type { Container, LifecycleHandler } from '@keelson/core/api';
import type { RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import { connectTcp } from '../probes/tcp.ts';
import { httpGet, httpTarget, resolvePort } from './http-action.ts';

export interface HookTarget {
  readonly container: Pick<Container, 'name' | 'ports'>;
  readonly containerId: string;
  readonly podIp: string;
}

/** Runs a `postStart` or `preStop` handler. Rejects with what went wrong, as it stands in events. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  runtime: RuntimeService,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (handler.exec) {
    const cmd = handler.exec.command ?? [];
    const {
      exitCode = 0,
      stdout,
      stderr,
    } = await runtime.execSync({ containerId: target.containerId, cmd, timeout: 0 }, signal);
    if (exitCode === 0) return;
    const output = `${text(stdout)}${text(stderr)}`;
    throw new Error(`command '${cmd.join(' ')}' exited with ${exitCode}: ${output}`);
  }
  if (handler.httpGet) {
    const answer = await httpGet(httpTarget(handler.httpGet, target.container, target.podIp), signal);
    if (answer.statusCode >= 400) throw new Error(`HTTP hook failed with status code ${answer.statusCode}`);
    return;
  }
  if (handler.sleep) {
    await clock.sleep(handler.sleep.seconds * 1000, signal);
    return;
  }
  if (handler.tcpSocket) {
    await connectTcp(
      handler.tcpSocket.host || target.podIp,
      resolvePort(handler.tcpSocket.port, target.container),
      signal,
    );
    return;
  }
  throw new Error('invalid handler: it names no action');
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');
