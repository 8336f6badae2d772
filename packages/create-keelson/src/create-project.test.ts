import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { createProject } from './index.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('createProject', () => {
  const dirs: string[] = [];
  afterEach(async () => {
    for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
  });
  const temporary = async () => {
    const dir = await mkdtemp(join(tmpdir(), 'create-'));
    dirs.push(dir);
    return dir;
  };

  it('makes a project whose types fit, and whose test passes', async () => {
    // Within the repository, so that what it imports is found as it is here.
    const parent = await mkdtemp(join(root, 'packages/create-keelson/.try-'));
    dirs.push(parent);
    const directory = join(parent, 'note-keeper');
    expect(await createProject({ directory, group: 'acme.io' })).toEqual([
      '.gitignore',
      'README.md',
      'operator.test.ts',
      'operator.ts',
      'package.json',
      'tsconfig.json',
    ]);
    const operator = await readFile(join(directory, 'operator.ts'), 'utf8');
    expect(operator).toContain("kind: 'NoteKeeper'");
    expect(operator).toContain("group: 'acme.io'");
    expect(operator).not.toContain('__');
    expect(JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))).toMatchObject({ name: 'note-keeper' });
    const node = (...args: readonly string[]) =>
      spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8', env: { ...process.env, CI: '1' } });
    const source = {
      extends: './tsconfig.json',
      compilerOptions: { customConditions: ['@keelson/source'] },
      include: ['*.ts'],
    };
    await writeFile(join(directory, 'tsconfig.source.json'), JSON.stringify(source));
    const types = node(join(root, 'node_modules/typescript-native/bin/tsc'), '-p', 'tsconfig.source.json');
    expect(types.stdout).toBe('');
    const conditions = ['@keelson/source', 'module', 'node', 'development|production'];
    const config = { resolve: { conditions }, ssr: { resolve: { conditions } }, test: { testTimeout: 60_000 } };
    await writeFile(join(directory, 'vitest.config.mjs'), `export default ${JSON.stringify(config)};`);
    const tests = node(join(root, 'node_modules/vitest/vitest.mjs'), 'run');
    expect(tests.stdout).toMatch(/Tests.*1 passed/);
  }, 120_000);

  it('refuses names that cannot be, and folders that hold something, and leaves nothing behind', async () => {
    const dir = await temporary();
    await expect(createProject({ directory: join(dir, 'Big_Name') })).rejects.toThrow(
      `"Big_Name" cannot be an operator's name`,
    );
    await expect(createProject({ directory: join(dir, 'a'), kind: 'lower' })).rejects.toThrow(
      '"lower" cannot be a kind',
    );
    await expect(createProject({ directory: join(dir, 'a'), group: 'nodots' })).rejects.toThrow(
      'cannot be an API group',
    );
    await mkdir(join(dir, 'full'));
    await writeFile(join(dir, 'full', 'x'), 'x');
    await expect(createProject({ directory: join(dir, 'full') })).rejects.toThrow('is not empty');
    await symlink(join(dir, 'nowhere'), join(dir, 'link'));
    expect(await createProject({ directory: join(dir, 'fresh', 'one') })).toContain('operator.ts');
    await expect(readFile(join(dir, 'full', 'x'), 'utf8')).resolves.toBe('x');
  });
});
