// Where the real programs are: found in $KEELSON_CONFORMANCE_BIN or in the cache that `node conformance/build.mjs` fills.
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const cacheDir = join(homedir(), '.cache/keelson-conformance');

/** The path of a program. Throws with what to do about it where it is missing. */
export function binary(name) {
  const dir = process.env.KEELSON_CONFORMANCE_BIN ?? join(cacheDir, 'bin');
  const path = join(dir, name);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw new Error(
      `${name} is not in ${dir}: run \`node conformance/build.mjs\` (it needs Go), or name a folder that has it in KEELSON_CONFORMANCE_BIN`,
    );
  }
  return path;
}
