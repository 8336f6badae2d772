import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : sources(path);
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

const packages = readdirSync(join(root, 'packages'));
const all = packages.flatMap((name) => sources(join(root, 'packages', name, 'src')));
const product = all.filter((file) => !/\.(test|bench)\.ts$|[/\\](testing|generated)[/\\]|conformance\.ts$/.test(file));
const imports = (file: string) =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /^\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm,
    ),
  ].map((each) => each[1] ?? each[2] ?? each[3] ?? '');
const code = (file: string) => readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
const show = (file: string) => relative(root, file);

/** Rooms of core in their order: each imports only from those above it. `cri` hands a network to runtimes, so `cni` stands above. */
const rooms = [
  'api',
  'machinery',
  'certificates',
  'plugin',
  'metrics',
  'crd-schema',
  'streaming',
  'cni',
  'cri',
  'csi',
  'device',
  'admission',
  'scheduling',
  'client',
  'informer',
  'workqueue',
  'controller',
  'development',
  'crd',
  'recording',
  'host',
  'testing',
];

describe('the house', () => {
  it('lets core import no other package, and the others only core; keelson composes', () => {
    const wrong = product.flatMap((file) => {
      const own = show(file).split('/')[1];
      return imports(file)
        .filter((name) => /^@?keelson/.test(name))
        .filter((name) => (own === 'core' ? true : own === 'keelson' ? false : !name.startsWith('@keelson/core')))
        .map((name) => `${show(file)} imports ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it('lets a room of core import only rooms above it', () => {
    const base = join(root, 'packages/core/src');
    const wrong = product
      .filter((file) => file.startsWith(base))
      .flatMap((file) => {
        const own = rooms.indexOf(relative(base, file).split('/')[0] ?? '');
        if (own < 0) return [];
        return imports(file)
          .filter((name) => name.startsWith('.'))
          .map((name) => relative(base, resolve(dirname(file), name)).split('/')[0] ?? '')
          .filter((room) => rooms.indexOf(room) > own)
          .map((room) => `${show(file)} imports ${room}`);
      });
    expect(wrong).toEqual([]);
  });

  it('keeps Inversify in the host', () => {
    expect(
      product
        .filter((file) => imports(file).includes('inversify'))
        .filter((file) => !file.includes('core/src/host/'))
        .map(show),
    ).toEqual([]);
  });

  it('has no import cycles', () => {
    const graph = new Map(
      product.map((file) => [
        file,
        imports(file)
          .filter((name) => name.startsWith('.'))
          .map((name) => resolve(dirname(file), name)),
      ]),
    );
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      const at = path.indexOf(file);
      if (at >= 0) return void cycles.push([...path.slice(at), file].map(show).join(' → '));
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('takes time and chance through contracts', () => {
    const direct = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|(?<![.\w])setTimeout\(|(?<![.\w])setInterval\(/;
    const wrong = product.filter(
      (file) =>
        /packages\/(core|controllers|apiserver|node)\//.test(file) &&
        !/clock\.ts$/.test(file) &&
        direct.test(code(file)),
    );
    expect(wrong.map(show)).toEqual([]);
  });

  it('switches no types off', () => {
    const off = /\bas any\b|: any\b|<any>|as unknown as|@ts-(ignore|nocheck)/;
    expect(product.filter((file) => off.test(code(file))).map(show)).toEqual([]);
  });

  it('gives every plugin its shape: plugin.ts and a README with the usual headings', () => {
    const folders = all
      .filter((file) => file.endsWith('/plugin.ts') && /packages\/controllers\/src\/[^/]+\/plugin\.ts$/.test(file))
      .map(dirname);
    expect(folders.length).toBeGreaterThan(5);
    const wrong = folders.flatMap((folder) => {
      const readme = join(folder, 'README.md');
      if (!statSync(readme, { throwIfNoEntry: false })) return [`${show(folder)} has no README.md`];
      const text = readFileSync(readme, 'utf8').toLowerCase();
      return ['what it does', 'watches and writes', 'options', 'example']
        .filter((heading) => !text.includes(heading))
        .map((heading) => `${show(readme)} lacks "${heading}"`);
    });
    expect(wrong).toEqual([]);
  });
});
