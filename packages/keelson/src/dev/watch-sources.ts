import { watch } from 'node:fs';
import type { Clock } from '@keelson/core';

const quietMs = 100;
/** What is written there does not come from somebody who edits. */
const ignored = /(^|[/\\])(node_modules|dist|\.git|\.keelson|coverage)([/\\]|$)/;
const source = /\.(ts|mts|cts|js|mjs|cjs|json)$/;

/** Calls back when sources below a folder have changed and nothing more has for a moment; the function returned ends it. */
export function watchSources(folder: string, clock: Clock, changed: (file: string) => void): () => void {
  let cancel: () => void = () => undefined;
  const watcher = watch(folder, { recursive: true }, (_, file) => {
    if (file === null || ignored.test(file) || !source.test(file)) return;
    cancel();
    cancel = clock.after(quietMs, () => changed(file));
  });
  return () => {
    cancel();
    watcher.close();
  };
}
