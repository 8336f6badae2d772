import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Random } from '@keelson/core/machinery';
import { fileSystemDirectory, type LogDirectory, type LogFile, type LogFileReader } from '../log-files.ts';

/** What can happen to a name until the directory is synced. */
type Undo = () => Promise<void>;

/**
 * A disk that can lose power: then of all that was not synced, any part may be gone or garbled, and names may have been
 * created, renamed and removed, or not.
 */
export class PowerCutDirectory implements LogDirectory {
  readonly path: string;
  private readonly disk: LogDirectory;
  private readonly random: Random;
  private readonly synced = new Map<string, number>();
  private undoable: Undo[] = [];
  private readonly running = new Set<Promise<unknown>>();
  private off = false;

  constructor(path: string, random: Random) {
    this.path = path;
    this.disk = fileSystemDirectory(path);
    this.random = random;
  }

  /** Cuts the power: nothing reaches the disk any more, and what was on its way may be lost. */
  async cut(): Promise<void> {
    this.off = true;
    await Promise.allSettled(this.running);
    for (const undo of this.undoable.reverse()) if (this.random() < 0.5) await undo();
    for (const name of await readdir(this.path)) await this.spoil(name);
  }

  private async spoil(name: string): Promise<void> {
    const safe = this.synced.get(name);
    if (safe === undefined) return;
    const content = await readFile(join(this.path, name));
    const kept = safe + Math.floor(this.random() * (content.length - safe + 1));
    const garbled = content.subarray(0, kept);
    for (let at = safe; at < kept; at++) if (this.random() < 0.01) garbled[at] = Math.floor(this.random() * 256);
    await writeFile(join(this.path, name), garbled);
  }

  /** Does something with the disk, unless the power is off, and then fails if it went off meanwhile. */
  private async run<T>(action: () => Promise<T>): Promise<T> {
    this.guard();
    const running = action();
    this.running.add(running);
    try {
      return await running;
    } finally {
      this.running.delete(running);
      this.guard();
    }
  }

  private guard(): void {
    if (this.off) throw new Error('EIO: the power is off');
  }

  list(): Promise<readonly string[]> {
    return this.disk.list();
  }

  reader(name: string): Promise<LogFileReader> {
    return this.disk.reader(name);
  }

  open(name: string, size: number): Promise<LogFile> {
    return this.run(async () => {
      const isNew = !(await readdir(this.path)).includes(name);
      const file = await this.disk.open(name, size);
      this.synced.set(name, size);
      if (isNew) this.undoable.push(() => rm(join(this.path, name), { force: true }));
      return this.guarded(name, file);
    });
  }

  private guarded(name: string, file: LogFile): LogFile {
    return {
      get size() {
        return file.size;
      },
      append: (bytes) => this.run(() => file.append(bytes)),
      sync: () => {
        const { size } = file;
        return this.run(async () => {
          await file.sync();
          if (!this.off) this.synced.set(name, size);
        });
      },
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): Promise<void> {
    return this.run(async () => {
      await this.disk.rename(from, to);
      const safe = this.synced.get(from) ?? 0;
      this.synced.set(to, safe);
      this.synced.delete(from);
      this.undoable.push(async () => {
        await rename(join(this.path, to), join(this.path, from));
        this.synced.set(from, safe);
      });
    });
  }

  remove(name: string): Promise<void> {
    return this.run(async () => {
      const grave = `${this.path}.removed`;
      await mkdir(grave, { recursive: true });
      await copyFile(join(this.path, name), join(grave, name));
      await this.disk.remove(name);
      this.undoable.push(() => copyFile(join(grave, name), join(this.path, name)));
    });
  }

  sync(): Promise<void> {
    const before = this.undoable.length;
    return this.run(async () => {
      await this.disk.sync();
      if (!this.off) this.undoable = this.undoable.slice(before);
    });
  }
}
