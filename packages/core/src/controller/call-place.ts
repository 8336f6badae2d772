import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Enough for the way from a client through the SDK to an operator's own code. */
const framesLookedAt = 30;
/** Not of Node's own code: `node:internal/process/task_queues:95:5`. */
const frame = /(?:\(|\s)((?:file:\/\/)?\/[^()]*?):(\d+):\d+\)?$/;
/** Unknown where the SDK was bundled into CommonJS. */
const here: string | undefined = import.meta.url;
/** Where the SDK's own code lies, from source or built. Its tests are code like any operator's. */
const sdk = here && (/^.*\/(?:src|dist)\//.exec(pathOf(here))?.[0] ?? pathOf(here));

/**
 * The line of code outside of the SDK that has led here, such as `src/operator.ts:34`; `undefined` where none is known.
 * Looking at the stack takes some microseconds: for development only.
 */
export function placeOfCall(): string | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = framesLookedAt;
  const at: { stack?: string } = {};
  Error.captureStackTrace(at, placeOfCall);
  Error.stackTraceLimit = limit;
  for (const line of at.stack?.split('\n') ?? []) {
    const [, file, number] = frame.exec(line.trim()) ?? [];
    if (file === undefined) continue;
    const path = pathOf(file);
    if (isSdk(path)) continue;
    const near = relative(process.cwd(), path);
    return `${near.startsWith('..') ? path : near}:${number}`;
  }
  return undefined;
}

function isSdk(path: string): boolean {
  const own = sdk !== undefined && path.startsWith(sdk) && !path.endsWith('.test.ts');
  return own || path.includes('/node_modules/@keelson/');
}

function pathOf(file: string): string {
  return file.startsWith('file://') ? fileURLToPath(file) : file;
}
