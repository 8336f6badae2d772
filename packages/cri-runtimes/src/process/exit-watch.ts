import { existsSync, type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@keelson/core/plugin';

const pollMs = 250;

/**
 * Calls back when files in a directory change: `change` with the file's name. Where the kernel has no watches left, it
 * looks four times a second instead.
 * @returns a function that ends it
 */
export function watchDirectory(dir: string, clock: Clock, change: (file: string) => void): () => void {
  let stopped = false;
  let cancel: (() => void) | undefined;
  let watcher: FSWatcher | undefined;
  const poll = () => {
    if (stopped) return;
    for (const file of ['stdout', 'exit']) change(file);
    cancel = clock.after(pollMs, poll);
  };
  const fallBack = () => {
    watcher?.close();
    watcher = undefined;
    if (cancel === undefined) poll();
  };
  try {
    watcher = watch(dir, { persistent: false }, (_event, file) => {
      if (!stopped) change(file ?? 'exit');
    });
    watcher.on('error', fallBack);
  } catch {
    fallBack();
  }
  return () => {
    stopped = true;
    watcher?.close();
    cancel?.();
  };
}

/** The exit code that a container's shim has left, if it has. */
export async function readExitCode(dir: string): Promise<number | undefined> {
  const file = join(dir, 'exit');
  if (!existsSync(file)) return undefined;
  const code = Number.parseInt(await readFile(file, 'utf8'), 10);
  return Number.isInteger(code) ? code : undefined;
}
