import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The built CNI executable, beside this file when built, in `dist` when this runs from source. Throws when nothing is built. */
export async function executablePath(): Promise<string> {
  for (const place of ['./executable.js', '../dist/executable.js']) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    try {
      await access(path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new Error('@keelson/cni-plugins is not built: run `npm run build:js` first');
}
