import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folders = [
  'core',
  'apiserver',
  'controllers',
  'node',
  'cri-runtimes',
  'cni-plugins',
  'csi-plugins',
  'keelson',
  'create-keelson',
];
const manifestSchema = z.object({
  name: z.string(),
  exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
  dependencies: z.record(z.string(), z.string()).default({}),
  peerDependencies: z.record(z.string(), z.string()).default({}),
});

interface Packed {
  readonly name: string;
  readonly tarball: string;
  readonly entries: readonly string[];
  readonly own: readonly string[];
  /** What one of its entries needs beside it. */
  readonly beside: readonly string[];
}

/** What a stranger does: the package's tarball (and those of its own kin, until they are on a registry) into an empty project. */
describe('packages, from their tarballs', () => {
  let dir: string;
  const packed = new Map<string, Packed>();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'keelson-pack-'));
    await Promise.all(
      folders.map(async (folder) => {
        const manifest = manifestSchema.parse(
          JSON.parse(await readFile(join(root, 'packages', folder, 'package.json'), 'utf8')),
        );
        const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', dir], {
          cwd: join(root, 'packages', folder),
        });
        packed.set(folder, {
          name: manifest.name,
          tarball: join(dir, stdout.trim().split('\n').at(-1) ?? ''),
          entries: Object.keys(manifest.exports).filter((each) => !each.endsWith('.json')),
          own: Object.keys(manifest.dependencies).filter((each) => each.startsWith('@keelson/')),
          beside: Object.keys(manifest.peerDependencies).filter((each) => each === 'fast-check'),
        });
      }),
    );
  }, 120_000);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(folders)('%s: installs alone, its types resolve, and importing it only defines', async (folder) => {
    const project = join(dir, `project-${folder}`);
    await mkdir(project);
    await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true, type: 'module' }));
    const { name, tarball, entries, own, beside } = packed.get(folder)!;
    const kin = [...packed.values()].filter((each) => own.includes(each.name)).map((each) => each.tarball);
    await run(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        '--prefer-offline',
        '--ignore-scripts',
        '--loglevel=error',
        ...kin,
        ...beside,
        tarball,
      ],
      { cwd: project },
    );

    const specifiers = entries.map((each) => name + each.slice(1));
    await writeFile(
      join(project, 'import.mjs'),
      `const before = process.getActiveResourcesInfo().length;\n${specifiers.map((each) => `await import('${each}');`).join('\n')}\nconst left = process.getActiveResourcesInfo().filter((each) => !/Pipe|TTY|FSReq|CloseReq/.test(each));\nif (left.length > 0) throw new Error('importing left ' + left);\nconsole.log('defined');\n`,
    );
    const { stdout } = await run(process.execPath, ['import.mjs'], { cwd: project });
    expect(stdout.trim()).toBe('defined');
    expect((await readdir(project)).sort()).toEqual([
      'import.mjs',
      'node_modules',
      'package-lock.json',
      'package.json',
    ]);

    await writeFile(
      join(project, 'types.ts'),
      specifiers
        .map(
          (each, index) =>
            `import * as room${index} from '${each}';\nexport const value${index}: object = room${index};\n`,
        )
        .join(''),
    );
    await run(
      process.execPath,
      [
        join(root, 'node_modules/typescript-native/bin/tsc'),
        '--noEmit',
        '--strict',
        '--target',
        'es2023',
        '--module',
        'nodenext',
        '--types',
        'node',
        '--typeRoots',
        join(root, 'node_modules/@types'),
        '--skipLibCheck',
        'false',
        'types.ts',
      ],
      { cwd: project },
    ).catch((error: { stdout: string }) => {
      throw new Error(error.stdout);
    });
  }, 180_000);

  it.each(folders)('%s: publint and are-the-types-wrong are clean', async (folder) => {
    const { tarball } = packed.get(folder)!;
    const bin = (name: string, path: string) => join(root, 'node_modules', name, path);
    const judge = (command: readonly string[]) =>
      run(process.execPath, [...command], { cwd: root }).catch((error: { stdout: string; stderr: string }) => {
        throw new Error(error.stdout + error.stderr);
      });
    await judge([bin('publint', 'src/cli.js'), 'run', tarball, '--strict']);
    await judge([bin('@arethetypeswrong/cli', 'dist/index.js'), tarball, '--profile', 'esm-only']);
  }, 120_000);
});
