import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const cache = fileURLToPath(new URL('../../node_modules/.cache/examples', import.meta.url));

/** Makes a program for Node of a file and this repository's packages, as they are now; others stay outside. Gives where it lies. */
export async function bundle(file: string): Promise<string> {
  const name = basename(file, '.ts');
  const outdir = join(cache, name);
  await mkdir(outdir, { recursive: true });
  await build({
    entryPoints: [file],
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
            /^@?keelson/.test(asked.path) || asked.kind === 'entry-point'
              ? undefined
              : { path: asked.path, external: true },
          );
        },
      },
    ],
  });
  return join(outdir, `${name}.mjs`);
}
