import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** The program that the scripts run, as it was built. */
const builtProgram = () =>
  join(dirname(createRequire(import.meta.url).resolve('keelson/package.json')), 'dist', 'testenv.js');

export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** What envtest looks for in KUBEBUILDER_ASSETS, by name. */
function scripts(directory: string, program: string): Readonly<Record<string, string>> {
  const run = (name: string) => `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(program)} ${name} "$@"\n`;
  return {
    'kube-apiserver': run('kube-apiserver'),
    etcd: run('etcd'),
    kubectl: `#!/bin/sh
# The kubectl that is installed.
IFS=:
for directory in $PATH; do
  [ "$directory" = ${quoted(directory)} ] && continue
  [ -x "$directory/kubectl" ] && exec "$directory/kubectl" "$@"
done
echo 'kubectl is not installed' >&2
exit 127
`,
  };
}

/**
 * A directory with `kube-apiserver`, `etcd` and `kubectl`, for KUBEBUILDER_ASSETS; its path.
 * @param given default: one in the user's cache
 */
export function writeAssets(given?: string, program = builtProgram()): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const version = createHash('sha256').update(`${process.execPath}\0${program}`).digest('hex').slice(0, 12);
  const directory = resolve(given ?? join(cache, 'keelson', `testenv-${version}`));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(scripts(directory, program))) {
    const file = join(directory, name);
    if (contentOf(file) === text) continue;
    // Somebody may be about to run what was there before.
    const made = `${file}.${process.pid}`;
    writeFileSync(made, text, { mode: 0o755 });
    chmodSync(made, 0o755);
    renameSync(made, file);
  }
  return directory;
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
