import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '@keelson/core';

export interface RotationOptions {
  /** Bytes after which a new file is begun. */
  readonly maxSize: number;
  /** Days after which an old file is deleted; 0: never because of its age. */
  readonly maxAge: number;
  /** How many old files are kept; 0: all. */
  readonly maxBackups: number;
  /** Whether old files are compressed. */
  readonly compress: boolean;
}

const dayMs = 24 * 60 * 60 * 1000;

/**
 * A file that is only added to, readable by its owner alone. When it has become too large it is put aside under its name
 * and the time (`audit-2026-01-02T03-04-05.678.log`), as Kubernetes names them.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #options: RotationOptions;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #handle: FileHandle | undefined;
  #size = 0;
  #tidying: Promise<void> = Promise.resolve();

  /** @param failed told of old files that could not be compressed or deleted */
  constructor(path: string, options: RotationOptions, clock: Clock, failed: (error: unknown) => void) {
    this.#path = path;
    this.#options = options;
    this.#clock = clock;
    this.#failed = failed;
  }

  async open(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    this.#handle = await open(this.#path, 'a', 0o600);
    this.#size = (await this.#handle.stat()).size;
  }

  /** One call at a time. */
  async append(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    if (this.#size > 0 && this.#size + bytes.length > this.#options.maxSize) await this.#rotate();
    if (!this.#handle) await this.open();
    await this.#handle?.appendFile(bytes);
    this.#size += bytes.length;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    await this.#tidying;
  }

  async #rotate(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    const time = new Date(this.#clock.now()).toISOString().slice(0, -1).replaceAll(':', '-');
    await rename(this.#path, join(dirname(this.#path), `${this.#stem}-${time}${extname(this.#path)}`));
    await this.open();
    this.#tidying = this.#tidying.then(() => this.#tidy()).catch(this.#failed);
  }

  get #stem(): string {
    return basename(this.#path, extname(this.#path));
  }

  /** Old files, the newest first. */
  async #old(): Promise<readonly { readonly path: string; readonly time: number }[]> {
    const directory = dirname(this.#path);
    const extension = extname(this.#path);
    return (await readdir(directory))
      .flatMap((name) => {
        if (!name.startsWith(`${this.#stem}-`)) return [];
        const rest = name.slice(this.#stem.length + 1);
        const end = [extension, `${extension}.gz`].find(
          (each) => /^[\dT.-]+$/.test(rest.slice(0, -each.length || undefined)) && rest.endsWith(each),
        );
        if (end === undefined) return [];
        const [day = '', hour = ''] = rest.slice(0, rest.length - end.length).split('T');
        const time = Date.parse(`${day}T${hour.replaceAll('-', ':')}Z`);
        return Number.isNaN(time) ? [] : [{ path: join(directory, name), time }];
      })
      .sort((a, b) => b.time - a.time);
  }

  async #tidy(): Promise<void> {
    const { maxBackups, maxAge, compress } = this.#options;
    const oldest = maxAge > 0 ? this.#clock.now() - maxAge * dayMs : Number.NEGATIVE_INFINITY;
    for (const [index, { path, time }] of (await this.#old()).entries()) {
      if ((maxBackups > 0 && index >= maxBackups) || time < oldest) await rm(path, { force: true });
      else if (compress && !path.endsWith('.gz')) await zip(path);
    }
  }
}

async function zip(path: string): Promise<void> {
  const part = `${path}.part`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: 0o600 }));
  await rename(part, `${path}.gz`);
  await rm(path, { force: true });
}
