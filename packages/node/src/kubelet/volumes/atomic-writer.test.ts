import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PayloadFile, writeAtomically } from './atomic-writer.ts';

const file = (text: string, mode = 0o644): PayloadFile => ({ data: Buffer.from(text), mode });
let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atomic-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe('writeAtomically', () => {
  it('swaps the whole content behind one link', async () => {
    expect(
      await writeAtomically(
        dir,
        new Map([
          ['a', file('1')],
          ['sub/b', file('2', 0o400)],
        ]),
        'one',
      ),
    ).toBe(true);
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('1');
    expect(await readFile(join(dir, 'sub/b'), 'utf8')).toBe('2');
    expect((await stat(join(dir, 'sub/b'))).mode & 0o777).toBe(0o400);
    expect(await readlink(join(dir, '..data'))).toBe('..one');
    expect(await readlink(join(dir, 'sub'))).toBe('..data/sub');

    expect(
      await writeAtomically(
        dir,
        new Map([
          ['a', file('1')],
          ['sub/b', file('2', 0o400)],
        ]),
        'two',
      ),
    ).toBe(false);
    expect(await readlink(join(dir, '..data'))).toBe('..one');

    expect(
      await writeAtomically(
        dir,
        new Map([
          ['a', file('changed')],
          ['c', file('3')],
        ]),
        'three',
      ),
    ).toBe(true);
    expect((await readdir(dir)).sort()).toEqual(['..data', '..three', 'a', 'c']);
    expect(await readFile(join(dir, 'a'), 'utf8')).toBe('changed');
  });

  it('holds nothing when there is nothing', async () => {
    await writeAtomically(dir, new Map([['a', file('1')]]), 'one');
    await writeAtomically(dir, new Map(), 'two');
    expect((await readdir(dir)).sort()).toEqual(['..data', '..two']);
  });

  it.each(['../x', '/etc/x', 'a/../../x', '..x', ''])('refuses %j', async (path) => {
    await expect(writeAtomically(dir, new Map([[path, file('')]]), 'one')).rejects.toThrow('invalid path');
  });
});
