import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface RecordingFilesOptions {
  readonly directory: string;
  readonly operator: string;
  readonly process: string;
  /** When the process began; milliseconds since the epoch. */
  readonly startedAt: number;
  /** A file is not begun anew before it is so long. */
  readonly fileBytes: number;
  /** The oldest ones of the operator are deleted. */
  readonly files: number;
}

/**
 * Files that are written one after the other, each readable by its owner alone. Their names sort by time.
 * Rejects with what the file system says.
 */
export class RecordingFiles {
  readonly #options: RecordingFilesOptions;
  #current: FileHandle | undefined;
  #written = 0;
  #part = 0;

  constructor(options: RecordingFilesOptions) {
    this.#options = options;
  }

  /** Counts the files of this process from 1; 0 before the first one. */
  get part(): number {
    return this.#part;
  }

  get process(): string {
    return this.#options.process;
  }

  get isFull(): boolean {
    return this.#current === undefined || this.#written >= this.#options.fileBytes;
  }

  /** Begins the next file. What is written up to `settled` does not count against its length. */
  async next(): Promise<void> {
    const { directory, operator, process, startedAt } = this.#options;
    await this.close();
    if (this.#part === 0) await mkdir(directory, { recursive: true, mode: 0o700 });
    this.#part += 1;
    const time = new Date(startedAt).toISOString().replace(/[-:]|\.\d+/g, '');
    const name = `${operator}-${time}-${process}-${String(this.#part).padStart(5, '0')}.jsonl`;
    this.#current = await open(join(directory, name), 'wx', 0o600);
    this.#written = 0;
    await this.#forgetOldest();
  }

  /** From now on its length counts: a file is at least as long as what it begins with. */
  settled(): void {
    this.#written = 0;
  }

  async write(text: string): Promise<void> {
    if (!this.#current) throw new Error('there is no file yet');
    const { bytesWritten } = await this.#current.write(text);
    this.#written += bytesWritten;
  }

  async close(): Promise<void> {
    const file = this.#current;
    this.#current = undefined;
    await file?.close();
  }

  async #forgetOldest(): Promise<void> {
    const { directory, operator, files } = this.#options;
    const own = (await readdir(directory)).filter((each) => isRecordingOf(operator, each)).toSorted();
    for (const each of own.slice(0, Math.max(0, own.length - files))) await rm(join(directory, each), { force: true });
  }
}

/** Whether a file of this name is part of a recording of the operator. */
export function isRecordingOf(operator: string, file: string): boolean {
  return (
    file.startsWith(`${operator}-`) && /^\d{8}T\d{6}Z-[a-z0-9]+-\d{5}\.jsonl$/.test(file.slice(operator.length + 1))
  );
}
