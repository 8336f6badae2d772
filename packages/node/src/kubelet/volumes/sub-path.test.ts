import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostMounter, noMounter } from './mounts.ts';
import { resolveSubPath } from './sub-path.ts';

let dir = '';
let volume = '';
const signal = new AbortController().signal;
beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'sub-path-')));
  volume = join(dir, 'volume');
  await mkdir(volume);
  await mkdir(join(dir, 'outside'));
});
afterEach(async () => {
  const mounter = hostMounter();
  for (const each of await mounter.below(dir)) await mounter.unmount(each, signal);
  await rm(dir, { recursive: true, force: true });
});
const resolve = (subPath: string, mounter = noMounter) =>
  resolveSubPath({ volume, subPath, pinned: join(dir, 'pinned') }, mounter, signal);

describe('resolveSubPath', () => {
  it('makes what is missing', async () => expect(await resolve('a/b')).toBe(join(volume, 'a/b')));

  it('follows links within the volume only', async () => {
    await mkdir(join(volume, 'real'));
    await symlink('real', join(volume, 'inside'));
    await symlink(join(dir, 'outside'), join(volume, 'escape'));
    expect(await resolve('inside')).toBe(join(volume, 'real'));
    await expect(resolve('escape')).rejects.toThrow('not within volume path');
    await expect(resolve('escape/new')).rejects.toThrow('not within volume path');
    await expect(resolve('../outside')).rejects.toThrow("'..'");
  });

  it.skipIf(!hostMounter().available)('pins what it found by a mount', async () => {
    await writeFile(join(volume, 'file'), 'mine');
    const pinned = await resolve('file', hostMounter());
    expect(pinned).toBe(join(dir, 'pinned'));
    expect(await readFile(pinned, 'utf8')).toBe('mine');
    await rm(join(volume, 'file'));
    await symlink('/etc/passwd', join(volume, 'file'));
    expect(await readFile(pinned, 'utf8')).toBe('mine');
  });
});
