// `npm start`: installs and builds what is missing, then starts a cluster and runs the showcase on it.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19))
  fail(`Node ${process.versions.node} is too old: Keelson needs 20.19 or later.`);

const started = Date.now();
const step = (text) => console.log(`  ${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);

if (stale('node_modules/.package-lock.json', ['package-lock.json'])) {
  step('installing the dependencies (npm ci) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
const outputs = {
  ...Object.fromEntries(readdirSync(join(root, 'packages')).map((name) => [`packages/${name}`, 'dist/index.js'])),
  'examples/website': 'dist/showcase.js',
};
const unbuilt = Object.entries(outputs)
  .filter(([dir, output]) =>
    stale(
      `${dir}/${output}`,
      dir.startsWith('examples')
        ? ['showcase.ts', 'website.ts', 'operator.ts'].map((file) => `${dir}/${file}`)
        : [`${dir}/src`, `${dir}/package.json`],
    ),
  )
  .map(([dir]) => dir);
if (unbuilt.length > 0) {
  step(`building ${unbuilt.join(', ')} …`);
  run('node', ['node_modules/turbo/bin/turbo', 'run', 'build:js', '--output-logs=errors-only', '--log-order=grouped']);
}

const child = spawn(process.execPath, [join(root, 'examples/website/dist/showcase.js'), ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to both: the child stops the cluster in order, and we wait for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));

/** Whether `target` is missing or older than any of the sources. */
function stale(target, sources) {
  if (!existsSync(join(root, target))) return true;
  const built = statSync(join(root, target)).mtimeMs;
  return sources.some((source) => newest(join(root, source)) > built);
}

function newest(path) {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) fail(`${command} cannot be started: ${result.error.message}`);
  if (result.status !== 0)
    fail(`${command} ${args.join(' ')} failed (exit code ${result.status}); its output is above.`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
