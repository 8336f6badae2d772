import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock, Logger } from '@keelson/core';

/** Told what becomes of a file that is read again. */
export interface ReloadObserver {
  /** What is used now comes from a text with this SHA-256, in hexadecimal; also said of the first one. */
  applied(hash: string): void;
  /** The text had changed, `at` in milliseconds since the epoch; `failure`: what was used before is used on. */
  reloaded(status: 'success' | 'failure', at: number): void;
}

export interface WatchedFileOptions<T> {
  readonly file: string;
  /** As logs name it, such as `the authorization configuration`. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Makes of the text what is used. Rejects for one that is no good, and when `signal` aborts.
   * @param before what is used until then; `undefined` at the first time
   */
  build(text: string, before: T | undefined, signal: AbortSignal): T | Promise<T>;
  /** Another took the place of what was used before. */
  changed?(value: T): void;
  /** What was built is used no more: half a minute after another took its place, or with the end. */
  dispose?(value: T): void;
  readonly observer?: ReloadObserver;
}

/** How often the file is looked at whatever the system tells: a mount may tell nothing. */
const lookEveryMs = 10_000;
/** Whoever writes a file does so in several steps. */
const settleMs = 100;
/** Calls by what was replaced may still be under way. */
const disposeAfterMs = 30_000;
const longest = 4 * 1024 * 1024;

/**
 * What is made of a file, made anew whenever its content changes: written in place, renamed over, or reached by another
 * symbolic link, as the kubelet mounts ConfigMaps. A content that is no good is logged once, tried again at each look, as
 * what it names may come to be there, and leaves in use what there was.
 */
export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  readonly #closing = new AbortController();
  readonly #replaced = new Set<() => void>();
  #current: { readonly value: T; readonly hash: string } | undefined;
  #failed: string | undefined;
  #looking: Promise<void> = Promise.resolve();
  #queued: Promise<void> | undefined;
  #watcher: FSWatcher | undefined;
  #cancelLook: (() => void) | undefined;

  constructor(options: WatchedFileOptions<T>) {
    this.#options = options;
  }

  /** Reads the file for the first time and follows it from then on. Rejects where it cannot be read or is no good. */
  async open(): Promise<T> {
    const { file, build, observer } = this.#options;
    const text = await content(file);
    const hash = hashOf(text);
    const value = await build(text, undefined, this.#closing.signal);
    this.#current = { value, hash };
    observer?.applied(hash);
    this.#listen();
    void this.#follow();
    return value;
  }

  /** Throws before `open`. */
  get value(): T {
    if (!this.#current) throw new Error(`${this.#options.what} is not open yet`);
    return this.#current.value;
  }

  /** Looks at the file now; resolves when that is done, whatever comes of it. */
  reload(): Promise<void> {
    this.#queued ??= this.#looking.then(() => {
      this.#queued = undefined;
      this.#looking = this.#look();
      return this.#looking;
    });
    return this.#queued;
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new Error(`${this.#options.what} is closed`));
    this.#watcher?.close();
    this.#cancelLook?.();
    for (const dispose of this.#replaced) dispose();
    if (this.#current) this.#options.dispose?.(this.#current.value);
  }

  async #look(): Promise<void> {
    const { file, build, clock, dispose } = this.#options;
    const { signal } = this.#closing;
    let hash = '';
    try {
      const text = await content(file);
      hash = hashOf(text);
      if (hash === this.#current?.hash) {
        this.#failed = undefined;
        return;
      }
      const value = await build(text, this.#current?.value, signal);
      if (signal.aborted) dispose?.(value);
      else this.#replace(value, hash);
    } catch (error) {
      if (!signal.aborted) this.#keep(hash, error instanceof Error ? error.message : String(error), clock.now());
    }
  }

  #replace(value: T, hash: string): void {
    const { clock, changed, dispose, file, logger, observer, what } = this.#options;
    const before = this.#current;
    this.#current = { value, hash };
    this.#failed = undefined;
    changed?.(value);
    logger.info(`${what} was read anew`, { file, hash });
    observer?.reloaded('success', clock.now());
    observer?.applied(hash);
    if (!before || !dispose) return;
    const end = () => {
      cancel();
      this.#replaced.delete(end);
      dispose(before.value);
    };
    const cancel = clock.after(disposeAfterMs, end);
    this.#replaced.add(end);
  }

  #keep(hash: string, error: string, at: number): void {
    const { file, logger, observer, what } = this.#options;
    const failed = `${hash} ${error}`;
    if (failed === this.#failed) return;
    this.#failed = failed;
    observer?.reloaded('failure', at);
    logger.error(`${what} could not be read anew: the one before stays`, { file, error });
  }

  /** The directory is listened to: a file that is renamed over another is none that was listened to before. */
  #listen(): void {
    const { clock, file, logger } = this.#options;
    const failed = (error: unknown) => {
      this.#watcher?.close();
      logger.debug('the system tells nothing of changes: the file is looked at now and then', {
        file,
        error: String(error),
      });
    };
    try {
      this.#watcher = watch(dirname(file), { persistent: false }, () => {
        this.#cancelLook?.();
        this.#cancelLook = clock.after(settleMs, () => void this.reload());
      });
      this.#watcher.on('error', failed);
    } catch (error) {
      failed(error);
    }
  }

  async #follow(): Promise<void> {
    const { clock, file, logger } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await clock.sleep(lookEveryMs, signal);
      } catch (error) {
        if (!signal.aborted) logger.error('a file is looked at no more', { file, error: String(error) });
        return;
      }
      await this.reload();
    }
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');

async function content(file: string): Promise<string> {
  const found = await stat(file);
  if (!found.isFile()) throw new Error(`${file} is no file`);
  if (found.size > longest) throw new Error(`${file} is larger than ${longest} bytes`);
  return readFile(file, 'utf8');
}
