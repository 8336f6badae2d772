// What CI runs after the machine is made ready (`.ci/run`): the real programs, `npm test`, and the judges of
// `conformance/` on what passed before. The last line is `N passed, N failed` of all of it.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const judge = ['node', 'conformance/run.mjs'];
/** Each prints its counts in its last line; the judges only where the real programs are. */
const runs = [
  { name: 'tests', command: ['node', 'scripts/test.mjs'] },
  {
    name: "Kubernetes' own suite",
    command: [...judge, 'conformance', '--ledger-quick', '--budget', '8m', '--no-ledger'],
    real: true,
  },
  {
    name: 'the same requests to both',
    command: [...judge, 'twin', '--cases', '300', '--seed', '1'],
    real: true,
  },
];

const started = Date.now();
const total = { passed: 0, failed: 0, skipped: 0 };
const built = (await run('the real programs', ['node', 'conformance/build.mjs'])).code === 0;
if (!built) total.failed++;
for (const { name, command, real } of runs) {
  if (real && !built) {
    console.log(`\n=== ${name}: not run, its programs are missing`);
    continue;
  }
  const { code, text } = await run(name, command);
  const counts = [...text.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  const [passed = 0, failed = 0, skipped = 0] = (counts ?? []).slice(1).map((each) => Number(each ?? 0));
  total.passed += passed;
  // What failed without saying how often failed once.
  total.failed += code !== 0 && failed === 0 ? 1 : failed;
  total.skipped += skipped;
}
console.log(`\nCI: ${((Date.now() - started) / 60_000).toFixed(1)} min`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exit(total.failed > 0 ? 1 : 0);

/** Runs a command with its output shown; resolves to its exit code and the end of what it said. */
function run(name, [program, ...args]) {
  const from = Date.now();
  console.log(`\n=== ${name}`);
  return new Promise((resolve) => {
    let text = '';
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      process.stdout.write(chunk);
      text = (text + chunk).slice(-10_000);
    });
    child.once('error', (error) => {
      console.error(`${program}: ${error.message}`);
      resolve({ code: 1, text });
    });
    child.once('close', (code) => {
      console.log(`=== ${name}: ${code === 0 ? 'ok' : 'FAILED'}, ${((Date.now() - from) / 1000).toFixed(0)} s`);
      resolve({ code, text });
    });
  });
}
