import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { mountPointsBelow } from '@keelson/core/machinery';

const exec = promisify(execFile);

/** Unmounts all that is mounted below a directory; what is still in use goes when its user ends. */
export async function unmountBelow(dir: string, signal?: AbortSignal): Promise<void> {
  const mounted = async () => mountPointsBelow(await readFile('/proc/self/mounts', 'utf8'), dir);
  for (const point of await mounted()) {
    try {
      await exec('umount', ['--lazy', point], { signal });
    } catch (error) {
      // Whoever mounted it may have taken it away in this moment.
      if ((await mounted()).includes(point)) throw error;
    }
  }
}
