import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundle } from './bundle.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

it('runs under the test runner of Node', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', await bundle(path('node-test.ts'))]);
  expect(stdout).toMatch(/pass 1\n/);
});

it.each(['forks.test.ts', 'node-test.ts'])('%s is what the page about tests shows', (name) => {
  const page = readFileSync(path('../../docs/TESTING.md'), 'utf8');
  expect(page).toContain(`\`\`\`ts\n${readFileSync(path(name), 'utf8').trim()}\n\`\`\``);
});
