import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { hasErrorCode } from '../errors.ts';
import { runtimeContainer } from '../pods/runtime-pod.ts';

export interface LogRotatorOptions {
  readonly root: string;
  readonly runtime: RuntimeService;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 10 MiB. */
  readonly maxBytes?: number;
  /** The current file and the older ones together. Default 5. */
  readonly maxFiles?: number;
}

const periodMs = 10_000;

/** Keeps container logs small: a file that grew too large is set aside, and of the older ones all but the last are compressed. */
export class LogRotator {
  readonly #options: LogRotatorOptions;

  constructor(options: LogRotatorOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      try {
        await clock.sleep(periodMs, signal);
        await this.rotateAll(signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('container logs could not be rotated', { error: String(error) });
      }
    }
  }

  async rotateAll(signal: AbortSignal): Promise<void> {
    const { runtime, maxBytes = 10 * 1024 * 1024 } = this.#options;
    const { containers = [] } = await runtime.listContainers(
      { filter: { state: { state: 'CONTAINER_RUNNING' } } },
      signal,
    );
    for (const each of containers) {
      const { status } = await runtime.containerStatus({ containerId: each.id }, signal);
      if (status === undefined) continue;
      const { logPath, id } = runtimeContainer(status, each.podSandboxId);
      if (logPath !== '' && (await sizeOf(logPath)) > maxBytes) await this.#rotate(logPath, id, signal);
    }
  }

  async #rotate(path: string, containerId: string, signal: AbortSignal): Promise<void> {
    const { runtime, clock, maxFiles = 5 } = this.#options;
    const directory = join(path, '..');
    const name = path.slice(directory.length + 1);
    const old = (await readdir(directory))
      .filter((each) => each.startsWith(`${name}.`) && !each.endsWith('.tmp'))
      .sort();
    // The current file and the one that is set aside now count as well.
    for (const each of old.slice(0, Math.max(0, old.length - (maxFiles - 2))))
      await rm(join(directory, each), { force: true });
    for (const each of old.filter((other) => !other.endsWith('.gz'))) await compress(join(directory, each));
    const stamp = new Date(clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
    const aside = `${path}.${stamp}`;
    await rename(path, aside);
    try {
      await runtime.reopenContainerLog({ containerId }, signal);
    } catch (error) {
      // Otherwise what the container writes from now on would be in a file that nobody reads.
      await rename(aside, path);
      throw error;
    }
  }
}

async function compress(path: string): Promise<void> {
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.tmp`));
    await rename(`${path}.tmp`, `${path}.gz`);
    await rm(path, { force: true });
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return 0;
    throw error;
  }
}
