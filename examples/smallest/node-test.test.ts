import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

it('runs under the test runner of Node', async () => {
  const outdir = path('../../node_modules/.cache/node-test');
  mkdirSync(outdir, { recursive: true });
  const own = /^@keelson\/|^\./;
  await build({
    entryPoints: [path('node-test.ts')],
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    splitting: true,
    conditions: ['@keelson/source'],
    plugins: [
      {
        name: 'packages-of-others',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, (asked) =>
            own.test(asked.path) || asked.kind === 'entry-point' ? undefined : { path: asked.path, external: true },
          );
        },
      },
    ],
  });
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', `${outdir}/node-test.mjs`]);
  expect(stdout).toMatch(/pass 1\n/);
});

it.each(['forks.test.ts', 'node-test.ts'])('%s is what the page about tests shows', (name) => {
  const page = readFileSync(path('../../docs/TESTING.md'), 'utf8');
  expect(page).toContain(`\`\`\`ts\n${readFileSync(path(name), 'utf8').trim()}\n\`\`\``);
});
