// Runs a TypeScript entry of this folder on the packages' sources, without a build: `node conformance/run.mjs twin …`.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const entries = {
  twin: 'twin/main.ts',
  'keelson-side': 'twin/keelson-side.ts',
  conformance: 'suite/main.ts',
  keelson: '../packages/keelson/src/cli.ts',
};
const name = process.argv[2] ?? '';
if (!(name in entries)) {
  console.error(`conformance/run.mjs: name one of ${Object.keys(entries).join(', ')}`);
  process.exit(2);
}

const cache = join(here, '../node_modules/.cache/keelson-conformance');
mkdirSync(cache, { recursive: true });
const outdir = join(cache, `${name}-${process.pid}`);
try {
  await build({
    entryPoints: { [name]: join(here, entries[name]) },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@keelson/source'],
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: [
      {
        name: 'sources',
        setup({ onResolve, onLoad }) {
          // What is on the registry stays outside; what is in this repository is read from its source.
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' || path.startsWith('@keelson/') || path === 'keelson'
              ? undefined
              : { path, external: true },
          );
          onLoad({ filter: /\/(packages|conformance)\/.*\.ts$/ }, ({ path }) => {
            const contents = readFileSync(path, 'utf8');
            if (!contents.includes('import.meta.url')) return undefined;
            const url = JSON.stringify(pathToFileURL(path).href);
            return { contents: contents.replaceAll('import.meta.url', url), loader: 'ts' };
          });
        },
      },
    ],
  });
} catch {
  process.exit(2);
}
process.on('exit', () => rmSync(outdir, { force: true, recursive: true }));
process.setSourceMapsEnabled(true);
const program = join(outdir, `${name}.mjs`);
process.argv.splice(1, 2, program);
await import(pathToFileURL(program).href);
