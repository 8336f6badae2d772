// `npm test`: installs, builds, type-checks, lints and runs everything. The last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const started = Date.now();
let failedSteps = 0;

if (
  !existsSync(join(root, 'node_modules/.package-lock.json')) ||
  statSync(join(root, 'package-lock.json')).mtimeMs > statSync(join(root, 'node_modules/.package-lock.json')).mtimeMs
) {
  step('install', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}
step('build', 'node', [
  'node_modules/turbo/bin/turbo',
  'run',
  'build',
  '--output-logs=errors-only',
  '--log-order=grouped',
]);
step('type check', 'node', ['node_modules/typescript-native/bin/tsc', '-p', 'tsconfig.json']);
step('lint and format', 'node', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']);

const out = mkdtempSync(join(tmpdir(), 'keelson-test-'));
const report = join(out, 'report.json');
step('tests', 'node', [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--reporter=default',
  '--reporter=json',
  '--reporter=./scripts/lost-files.mjs',
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
let passed = 0;
let failed = 0;
let skipped = 0;
try {
  const result = JSON.parse(readFileSync(report, 'utf8'));
  passed = result.numPassedTests;
  failed =
    result.numFailedTests +
    result.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  skipped = result.numPendingTests + result.numTodoTests;
} catch (error) {
  console.error(`the tests left no report: ${error.message}`);
}
rmSync(out, { recursive: true, force: true });
console.log(`\nwhole run: ${((Date.now() - started) / 1000).toFixed(0)} s`);
console.log(
  `${passed} passed, ${failed + (failed === 0 ? failedSteps : 0)} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
);
process.exit(failedSteps > 0 || failed > 0 ? 1 : 0);

function step(name, command, args) {
  const from = Date.now();
  console.log(`\n== ${name}`);
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`== ${name}: ${result.status === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - from) / 1000).toFixed(1)} s`);
  if (result.status !== 0) failedSteps++;
  if (result.status !== 0 && name === 'install') process.exit(1);
}
