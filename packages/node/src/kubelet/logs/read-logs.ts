import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { Clock } from '@keelson/core/machinery';
import { hasErrorCode } from '../errors.ts';
import { LineSplitter, parseLogLine } from './cri-log.ts';
import { tailOffset } from './tail.ts';

export interface LogOptions {
  readonly follow: boolean;
  readonly tailLines: number | undefined;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
  readonly timestamps: boolean;
  readonly limitBytes: number | undefined;
  /** `All` unless one is chosen. */
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

const chunkSize = 65_536;
const pollMs = 200;

/**
 * The text of a container's log, piece by piece: the file, across rotation, and with `follow` whatever comes until the
 * container has ended.
 *
 * @param running whether the container may still write; asked again while following
 */
export async function* readLogs(
  path: string,
  options: LogOptions,
  running: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const cut = new Cutter(options);
  if (options.tailLines === undefined) {
    for (const older of await rotated(path)) yield* cut.all(olderChunks(older));
  }
  const first = await openWhenThere(path, options.follow, running, clock, signal);
  if (first === undefined) return;
  let file: FileHandle = first;
  try {
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines);
    for (;;) {
      // Both are asked before reading: what was written before the end, or before the file was set aside, is read after.
      const alive = options.follow && (await running());
      const next: FileHandle | undefined = alive ? await reopened(path, file) : undefined;
      for await (const chunk of chunksFrom(file, offset)) {
        offset += chunk.length;
        yield* cut.push(chunk);
        if (cut.full) {
          await next?.close();
          return;
        }
      }
      if (!alive || signal.aborted) return;
      if (next !== undefined) {
        await file.close();
        file = next;
        offset = 0;
        continue;
      }
      await clock.sleep(pollMs, signal);
    }
  } finally {
    await file.close();
  }
}

/** Picks and formats entries, up to `limitBytes`. */
class Cutter {
  readonly #options: LogOptions;
  readonly #splitter = new LineSplitter();
  #left: number;
  #lineOpen = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  }

  get full(): boolean {
    return this.#left <= 0;
  }

  *push(chunk: Buffer): Generator<Buffer> {
    const pieces: Buffer[] = [];
    const { timestamps, since, stream } = this.#options;
    for (const line of this.#splitter.push(chunk)) {
      const entry = parseLogLine(line);
      if (entry === undefined) continue;
      if (stream !== 'All' && stream.toLowerCase() !== entry.stream) continue;
      if (since !== undefined && Date.parse(entry.time) < since) continue;
      if (timestamps && !this.#lineOpen) pieces.push(Buffer.from(`${entry.time} `));
      pieces.push(entry.text);
      if (!entry.partial) pieces.push(newline);
      this.#lineOpen = entry.partial;
    }
    const text = Buffer.concat(pieces);
    if (text.length === 0) return;
    const kept = text.length > this.#left ? text.subarray(0, this.#left) : text;
    this.#left -= kept.length;
    yield kept;
  }

  async *all(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      yield* this.push(chunk);
      if (this.full) return;
    }
  }
}

const newline = Buffer.from('\n');

/** Older files of the same log, oldest first; the newest of them only, as the rest are archives. */
async function rotated(path: string): Promise<readonly string[]> {
  try {
    const names = await readdir(dirname(path));
    const older = names.filter((each) => each.startsWith(`${basename(path)}.`) && !each.endsWith('.tmp')).sort();
    return older.map((each) => join(dirname(path), each));
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function* chunksFrom(file: FileHandle, offset: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(chunkSize);
  for (let at = offset; ; ) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield Buffer.from(buffer.subarray(0, bytesRead));
  }
}

async function* olderChunks(path: string): AsyncGenerator<Buffer> {
  const raw = createReadStream(path, { highWaterMark: chunkSize });
  const source = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  for await (const chunk of source) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
}

async function openWhenThere(
  path: string,
  follow: boolean,
  running: () => Promise<boolean>,
  clock: Clock,
  signal: AbortSignal,
): Promise<FileHandle | undefined> {
  for (;;) {
    const alive = follow && (await running());
    try {
      return await open(path, 'r');
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT')) throw error;
      if (!alive) return undefined;
    }
    await clock.sleep(pollMs, signal);
  }
}

/** The file that has the name now, if it is another than the one that is open. */
async function reopened(path: string, current: FileHandle): Promise<FileHandle | undefined> {
  try {
    const [now, open_] = await Promise.all([stat(path), current.stat()]);
    return now.ino === open_.ino ? undefined : await open(path, 'r');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
