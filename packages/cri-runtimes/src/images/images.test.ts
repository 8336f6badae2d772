import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layoutDirectory, tarArchive } from './archive.ts';
import { buildImage } from './build-image.ts';
import { hostPrograms } from './host-files.ts';
import { readOciImages } from './oci-images.ts';
import { pauseProgram } from './pause-program.ts';
import { normalizeReference, parseReference } from './reference.ts';
import { resolveInRoot, unpackLayer } from './unpack-layer.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'images-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly content?: string };

function layer(entries: readonly Entry[]): Readable {
  const archive = pack();
  for (const { content = '', ...header } of entries) archive.entry(header, content);
  archive.finalize();
  return Readable.from(archive);
}

describe('image references', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['user/app', 'docker.io/user/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
    ['registry.example/a/b-c__d:x', 'registry.example/a/b-c__d:x'],
    [`app:v1@sha256:${'a'.repeat(64)}`, `docker.io/library/app@sha256:${'a'.repeat(64)}`],
    ['Nginx', undefined],
    ['nginx:', undefined],
    ['a//b', undefined],
    ['', undefined],
    ['app@sha256:12', undefined],
  ])('%s means %s', (text, full) => {
    expect(normalizeReference(text)).toBe(full);
  });

  it('has a full form that means itself', () => {
    const name = fc.stringMatching(/^[a-z0-9]+([._-][a-z0-9]+){0,2}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.option(name), (path, tag) => {
        const text = path.join('/') + (tag === null ? '' : `:${tag}`);
        const full = normalizeReference(text);
        if (full !== undefined) expect(normalizeReference(full)).toBe(full);
        expect(full === undefined).toBe(parseReference(text) === undefined);
      }),
    );
  });
});

describe('building images', () => {
  it('writes the same bytes for the same input, and reads back what was written', async () => {
    const options = {
      reference: 'app:1',
      layers: [[{ path: '/etc/a', content: 'one' }], [{ path: 'etc/b', link: 'a' }]],
      config: { entrypoint: ['/bin/app'], env: ['A=1'], user: '5', workdir: '/w' },
    };
    await buildImage({ ...options, file: join(dir, 'one.tar') });
    await buildImage({ ...options, file: join(dir, 'two.tar') });
    const bytes = await readFile(join(dir, 'one.tar'));
    expect(bytes.equals(await readFile(join(dir, 'two.tar')))).toBe(true);
    const [image] = await readOciImages(await tarArchive(join(dir, 'one.tar')));
    expect(image).toMatchObject({
      names: ['docker.io/library/app:1'],
      config: { Entrypoint: ['/bin/app'], Cmd: [], Env: ['A=1'], User: '5', WorkingDir: '/w' },
    });
    execFileSync('tar', ['-xf', 'one.tar'], { cwd: dir });
    const [unpacked] = await readOciImages(layoutDirectory(dir));
    expect(unpacked?.digest).toBe(image?.digest);
    for (const name of image?.layers ?? []) await unpackLayer(await image!.source.stream(name), join(dir, 'root'));
    expect(await readFile(join(dir, 'root/etc/b'), 'utf8')).toBe('one');
  });

  it('reads what docker save writes', async () => {
    await mkdir(join(dir, 'l'));
    await writeFile(join(dir, 'l/layer.tar'), await buffer(layer([{ name: 'f', content: 'x' }])));
    await writeFile(join(dir, 'c.json'), JSON.stringify({ config: { Cmd: ['sh'], Env: null } }));
    await writeFile(
      join(dir, 'manifest.json'),
      JSON.stringify([{ Config: 'c.json', RepoTags: ['me/x:2'], Layers: ['l/layer.tar'] }]),
    );
    execFileSync('tar', ['-cf', 'd.tar', 'l', 'c.json', 'manifest.json'], { cwd: dir });
    const [image] = await readOciImages(await tarArchive(join(dir, 'd.tar')));
    expect(image).toMatchObject({ names: ['docker.io/me/x:2'], config: { Cmd: ['sh'], Env: [] } });
    expect(image?.id).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it('refuses what is no image', async () => {
    await writeFile(join(dir, 'no.tar'), 'x'.repeat(2048));
    await expect(tarArchive(join(dir, 'no.tar'))).rejects.toThrow('not an uncompressed tarball');
    await writeFile(join(dir, 'index.json'), JSON.stringify({ manifests: [{ digest: 'sha256:../../etc', size: 1 }] }));
    await expect(readOciImages(layoutDirectory(dir))).rejects.toThrow('index.json');
    await expect(buildImage({ reference: 'BAD', file: join(dir, 'x') })).rejects.toThrow('not an image reference');
  });

  it('takes programs of this machine with their libraries', async () => {
    const files = await hostPrograms([process.execPath]);
    expect(files.map(({ path }) => path)).toEqual(expect.arrayContaining([process.execPath]));
    expect(files.some(({ path }) => /libc\.so|ld-/.test(path))).toBe(true);
  });

  it('writes an executable that waits', async () => {
    expect(pauseProgram('arm64').length).toBeLessThan(256);
    if (process.arch !== 'x64') return;
    await writeFile(join(dir, 'pause'), pauseProgram('amd64'));
    await chmod(join(dir, 'pause'), 0o755);
    expect(() => execFileSync(join(dir, 'pause'), { timeout: 200, killSignal: 'SIGKILL' })).toThrow(/ETIMEDOUT/);
  });
});

describe('unpacking layers', () => {
  it('applies whiteouts', async () => {
    const root = join(dir, 'root');
    await unpackLayer(
      layer([
        { name: 'a/x', content: '1' },
        { name: 'a/y', content: '1' },
        { name: 'b/x', content: '1' },
      ]),
      root,
    );
    await unpackLayer(layer([{ name: 'a/.wh.x' }, { name: 'b/new', content: '2' }, { name: 'b/.wh..wh..opq' }]), root);
    expect(await lstat(join(root, 'a/y'))).toBeTruthy();
    await expect(lstat(join(root, 'a/x'))).rejects.toThrow('ENOENT');
    await expect(lstat(join(root, 'b/x'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(root, 'b/new'), 'utf8')).toBe('2');
  });

  it('reads gzip, keeps modes and hard links, and fills directories without the write bit', async () => {
    const root = join(dir, 'root');
    const plain = layer([
      { name: 'd/', type: 'directory', mode: 0o555 },
      { name: 'd/f', content: 'x', mode: 0o4755 },
      { name: 'd/g', type: 'link', linkname: 'd/f' },
    ]);
    const bytes = await buffer(plain);
    await unpackLayer(Readable.from([gzipSync(bytes)]), root);
    expect((await lstat(join(root, 'd'))).mode & 0o7777).toBe(0o555);
    expect((await lstat(join(root, 'd/f'))).mode & 0o7777).toBe(0o4755);
    expect((await lstat(join(root, 'd/g'))).ino).toBe((await lstat(join(root, 'd/f'))).ino);
    await chmod(join(root, 'd'), 0o755);
  });

  it('writes nothing outside, whatever names and links say', async () => {
    const root = join(dir, 'root');
    await mkdir(join(dir, 'outside'));
    await writeFile(join(dir, 'outside/secret'), 'kept');
    await unpackLayer(
      layer([
        { name: '../../evil', content: 'x' },
        { name: '/abs/evil', content: 'x' },
        { name: 'up', type: 'symlink', linkname: '../outside' },
        { name: 'up/evil', content: 'x' },
        { name: 'abs-link', type: 'symlink', linkname: join(dir, 'outside') },
        { name: 'abs-link/secret', content: 'overwritten' },
        { name: 'stolen', type: 'symlink', linkname: join(dir, 'outside/secret') },
        { name: 'stolen', content: 'mine' },
        { name: '..', type: 'symlink', linkname: '/' },
      ]),
      root,
    );
    expect(await readFile(join(dir, 'outside/secret'), 'utf8')).toBe('kept');
    await expect(lstat(join(dir, 'outside/evil'))).rejects.toThrow('ENOENT');
    await expect(lstat(join(dir, 'evil'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(root, 'evil'), 'utf8')).toBe('x');
    expect(await readFile(join(root, 'stolen'), 'utf8')).toBe('mine');
    expect(await readlink(join(root, 'up'))).toBe('../outside');
    await expect(
      unpackLayer(layer([{ name: 'h', type: 'link', linkname: '../outside/secret' }]), root),
    ).rejects.toThrow();
  });

  it('follows links as if the root were /, and notices loops', async () => {
    await symlink('b', join(dir, 'a'));
    await symlink('a', join(dir, 'b'));
    await expect(resolveInRoot(dir, 'a/x')).rejects.toThrow('too many links');
    expect(await resolveInRoot(dir, '../../x')).toBe(`${dir}/x`);
    expect(await resolveInRoot(dir, 'c/../..')).toBe(dir);
  });
});
