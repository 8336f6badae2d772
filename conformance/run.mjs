// Runs a TypeScript entry of this folder on the packages' sources, without a build: `node conformance/run.mjs twin …`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const entries = {
  twin: 'twin/main.ts',
  'keelson-side': 'twin/keelson-side.ts',
  'real-side': 'twin/real-side.ts',
  conformance: 'suite/main.ts',
  fuzz: 'fuzz/main.ts',
  faults: 'faults/main.ts',
  'faults-subject': 'faults/subject-process.ts',
  keelson: '../packages/keelson/src/cli.ts',
  builtins: 'builtins/main.ts',
  'controller-manager': '../packages/controllers/src/run.ts',
};
const name = process.argv[2] ?? '';
if (!(name in entries)) {
  console.error(`conformance/run.mjs: name one of ${Object.keys(entries).join(', ')}`);
  process.exit(2);
}

const cache = join(here, '../node_modules/.cache/keelson-conformance');
mkdirSync(cache, { recursive: true });
// `--at REVISION` takes the packages as they were committed then, not as they lie in the working tree.
const flag = process.argv.indexOf('--at');
if (flag > 0) process.env.KEELSON_AT = process.argv.splice(flag, 2)[1];
const sources = process.env.KEELSON_AT ? committed(process.env.KEELSON_AT) : undefined;

/** The packages of a commit, unpacked once. */
function committed(revision) {
  const git = (...args) => execFileSync('git', args, { cwd: here, maxBuffer: 1 << 28 });
  const sha = git('rev-parse', '--verify', `${revision}^{commit}`).toString().trim();
  const dir = join(cache, `at-${sha.slice(0, 12)}`);
  if (existsSync(dir)) return dir;
  const fresh = `${dir}.${process.pid}`;
  mkdirSync(join(fresh, 'node_modules/@keelson'), { recursive: true });
  const tar = execFileSync('git', ['archive', sha, 'packages'], { cwd: join(here, '..'), maxBuffer: 1 << 28 });
  execFileSync('tar', ['-x', '-C', fresh], { input: tar });
  for (const name of readdirSync(join(fresh, 'packages'))) {
    symlinkSync(join('../../packages', name), join(fresh, 'node_modules/@keelson', name));
    symlinkSync(join(here, '../packages', name, 'node_modules'), join(fresh, 'packages', name, 'node_modules'));
  }
  if (existsSync(dir)) rmSync(fresh, { recursive: true });
  else renameSync(fresh, dir);
  return dir;
}

const entry = sources && name === 'keelson' ? join(sources, 'packages/keelson/src/cli.ts') : join(here, entries[name]);
const outdir = join(cache, `${name}-${process.pid}`);
try {
  await build({
    entryPoints: { [name]: entry },
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
        setup({ onResolve, onLoad, resolve }) {
          // A package's own copy of a dependency is found from the package, not from where the bundle lies.
          const outside = async (path, options) => {
            const { path: found } = await resolve(path, options);
            return { path: /\/packages\/[^/]+\/node_modules\//.test(found) ? found : path, external: true };
          };
          // What is on the registry stays outside; what is in this repository is read from its source.
          onResolve({ filter: /^[^./]/ }, ({ path, kind, resolveDir, pluginData }) => {
            if (kind === 'entry-point' || pluginData === 'found') return undefined;
            if (isBuiltin(path)) return { path, external: true };
            if (!path.startsWith('@keelson/')) return outside(path, { resolveDir, kind, pluginData: 'found' });
            return sources ? resolve(path, { resolveDir: sources, kind, pluginData: 'found' }) : undefined;
          });
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
