import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Unmounts all that is mounted below a directory, the deepest first; what is still in use goes when its user ends. */
export async function unmountBelow(dir: string, signal?: AbortSignal): Promise<void> {
  const text = await readFile('/proc/self/mounts', 'utf8');
  const below = text
    .split('\n')
    .map((line) =>
      (line.split(' ')[1] ?? '').replace(/\\(\d{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    )
    .filter((path) => path.startsWith(`${dir}/`));
  for (const path of below.reverse()) await exec('umount', ['--lazy', path], { signal });
}
