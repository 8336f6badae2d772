import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Where the files of a Go module lie that one of the folders of `modules/` names in its version, or undefined where it
 * has not been downloaded (building a program of it does that).
 */
export function moduleFiles(folder: string, module: string): string | undefined {
  try {
    const dir = execFileSync('go', ['list', '-m', '-f', '{{.Dir}}', module], {
      cwd: fileURLToPath(new URL(`../modules/${folder}`, import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return dir !== '' && existsSync(dir) ? dir : undefined;
  } catch {
    return undefined;
  }
}
