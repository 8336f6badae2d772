import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@keelson/core/plugin';
import { z } from 'zod';
import { run } from '../model/command.ts';
import { type LogStream, logLines, logTime } from './log-lines.ts';

const chunkBytes = 256 * 1024;
/** How much copied output may pile up before its blocks are given back to the file system. */
const punchBytes = 16 << 20;
const streams: readonly LogStream[] = ['stdout', 'stderr'];
const offsetsSchema = z.object({ stdout: z.number().int().min(0), stderr: z.number().int().min(0) });

export type OutputListener = (stream: LogStream, chunk: Buffer) => void;

/**
 * Carries the raw output that a container's processes append to `stdout` and `stderr` over into its CRI log. The raw files
 * outlive this process and so does the place reached in them, so nothing is lost while it is away.
 */
export class LogPump {
  readonly #dir: string;
  readonly #logPath: string;
  readonly #clock: Clock;
  readonly #fallocate: string | undefined;
  readonly #offsets: Record<LogStream, number>;
  readonly #seen: Record<LogStream, number>;
  readonly #punched: Record<LogStream, number>;
  readonly #listeners = new Set<OutputListener>();
  #log: FileHandle | undefined;
  #running: Promise<void> = Promise.resolve();
  #queued = false;

  private constructor(
    dir: string,
    logPath: string,
    clock: Clock,
    fallocate: string | undefined,
    offsets: Record<LogStream, number>,
  ) {
    this.#dir = dir;
    this.#logPath = logPath;
    this.#clock = clock;
    this.#fallocate = fallocate;
    this.#offsets = { ...offsets };
    this.#seen = { ...offsets };
    this.#punched = { ...offsets };
  }

  /** @param dir holds `stdout`, `stderr` and the place reached */
  static async open(dir: string, logPath: string, clock: Clock, fallocate?: string): Promise<LogPump> {
    const text = await readFile(join(dir, 'log-offsets'), 'utf8').catch(absent);
    const parsed = text ? offsetsSchema.safeParse(JSON.parse(text)) : undefined;
    return new LogPump(dir, logPath, clock, fallocate, parsed?.data ?? { stdout: 0, stderr: 0 });
  }

  /** Carries over what is there; calls while one is under way join into one more. */
  flush(final = false): Promise<void> {
    if (this.#queued && !final) return this.#running;
    this.#queued = true;
    this.#running = this.#running
      .catch(() => 'its own caller has the error')
      .then(() => {
        this.#queued = false;
        return this.#flush(final);
      });
    return this.#running;
  }

  /** Goes on in a new file at the log's path. */
  async reopen(): Promise<void> {
    await this.flush();
    await this.#log?.close();
    this.#log = undefined;
    if (this.#logPath !== '') await this.#open();
  }

  /** Calls back with raw output from now on. */
  listen(listener: OutputListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    await this.#running.catch(() => 'its own caller has the error');
    await this.#log?.close();
    this.#log = undefined;
  }

  async #flush(final: boolean): Promise<void> {
    for (const stream of streams) {
      const file = await open(join(this.#dir, stream)).catch(absent);
      if (file === undefined) continue;
      try {
        await this.#copy(file, stream, final);
      } finally {
        await file.close();
      }
    }
  }

  async #copy(file: FileHandle, stream: LogStream, final: boolean): Promise<void> {
    const { size } = await file.stat();
    while (this.#offsets[stream] < size) {
      const length = Math.min(chunkBytes, size - this.#offsets[stream]);
      const start = this.#offsets[stream];
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      const output = buffer.subarray(0, bytesRead);
      this.#tell(stream, output, start);
      const last = start + bytesRead >= size;
      const { text, consumed } = logLines(output, stream, logTime(this.#clock.now()), { final: final && last });
      if (consumed === 0) return;
      if (this.#logPath !== '') await (await this.#open()).appendFile(text);
      this.#offsets[stream] = start + consumed;
      await writeFile(join(this.#dir, 'log-offsets'), JSON.stringify(this.#offsets));
      await this.#punch(stream);
      if (last) return;
    }
  }

  #tell(stream: LogStream, output: Buffer, start: number): void {
    const fresh = output.subarray(Math.max(0, this.#seen[stream] - start));
    if (fresh.length === 0) return;
    this.#seen[stream] = start + output.length;
    for (const listener of this.#listeners) listener(stream, fresh);
  }

  async #open(): Promise<FileHandle> {
    if (this.#log !== undefined) return this.#log;
    await mkdir(dirname(this.#logPath), { recursive: true });
    const opened = await open(this.#logPath, 'a', 0o640);
    // A rotation and a flush may both have come here.
    if (this.#log !== undefined) await opened.close();
    this.#log ??= opened;
    return this.#log;
  }

  /** A hole keeps the place of what the container appends next, as cutting the file would not. */
  async #punch(stream: LogStream): Promise<void> {
    const offset = this.#offsets[stream];
    if (this.#fallocate === undefined || offset - this.#punched[stream] < punchBytes) return;
    this.#punched[stream] = offset;
    await run(this.#fallocate, ['--punch-hole', '--offset', '0', '--length', `${offset}`, join(this.#dir, stream)]);
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
