import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, type Logger, systemClock } from '@keelson/core';
import { FakeClock, settle, silentLogger, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WatchedFile, type WatchedFileOptions } from './watched-file.ts';

let dir: string;
let file: string;
let watched: WatchedFile<string>;
let log: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'watched-'));
  file = join(dir, 'config');
  log = [];
});
afterEach(async () => {
  watched.close();
  await rm(dir, { recursive: true });
});

const logger: Logger = { ...silentLogger, error: (_message, fields) => log.push(String(fields?.['error'])) };

async function follow(clock: Clock, options: Partial<WatchedFileOptions<string>> = {}) {
  watched = new WatchedFile<string>({
    file,
    what: 'the file',
    clock,
    logger,
    build: (text) => {
      if (!text.endsWith('.')) throw new Error(`torn: ${text.length}`);
      return text;
    },
    changed: (value) => log.push(`changed ${value}`),
    dispose: (value) => log.push(`ended ${value}`),
    observer: { applied: () => undefined, reloaded: (status) => log.push(status) },
    ...options,
  });
  await watched.open();
}

const replace = async (text: string) => {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
};

describe('a watched file', () => {
  it('is refused at first where it is not there or no good', async () => {
    await expect(follow(new FakeClock())).rejects.toThrow('ENOENT');
    await writeFile(file, 'a');
    await expect(follow(new FakeClock())).rejects.toThrow('torn: 1');
    await mkdir(join(dir, 'folder'));
    await expect(follow(new FakeClock(), { file: join(dir, 'folder') })).rejects.toThrow('is no file');
    await writeFile(file, 'a'.repeat(5 * 1024 * 1024));
    await expect(follow(new FakeClock())).rejects.toThrow('larger');
    expect(log).toEqual([]);
  });

  it('is made anew when its content changes, and only then', async () => {
    await writeFile(file, '1.');
    const clock = new FakeClock();
    await follow(clock);
    await writeFile(file, '1.');
    await watched.reload();
    await replace('2.');
    await watched.reload();
    expect(watched.value).toBe('2.');
    expect(log).toEqual(['changed 2.', 'success']);
    // What was before may still be in use for a while.
    await clock.advance(31_000);
    expect(log).toEqual(['changed 2.', 'success', 'ended 1.']);
    watched.close();
    watched.close();
    expect(log.at(-1)).toBe('ended 2.');
    expect(log).toHaveLength(4);
  });

  it('keeps what there was, and says so once, while it is no good or gone', async () => {
    await writeFile(file, '1.');
    await follow(new FakeClock());
    await replace('2');
    for (let each = 0; each < 3; each++) await watched.reload();
    await rm(file);
    await watched.reload();
    await replace('1.');
    await watched.reload();
    expect(watched.value).toBe('1.');
    expect(log).toEqual(['failure', 'torn: 1', 'failure', expect.stringContaining('ENOENT')]);
    await replace('2');
    await watched.reload();
    expect(log.at(-1)).toBe('torn: 1');
    expect(log).toHaveLength(6);
  });

  it('tries again what failed because of something else', async () => {
    await writeFile(file, '1.');
    const clock = new FakeClock();
    let there = true;
    await follow(clock, {
      build: (text) => {
        if (!there) throw new Error('not there');
        return text;
      },
    });
    there = false;
    await replace('2.');
    await watched.reload();
    there = true;
    await clock.advance(10_000);
    await waitFor(() => watched.value === '2.');
    expect(log).toEqual(['failure', 'not there', 'changed 2.', 'success']);
  });

  it('is looked at now and then though the system tells nothing', async () => {
    await writeFile(file, '1.');
    const clock = new FakeClock();
    await follow(clock, { file: join(dir, 'link', 'config') }).catch(() => undefined);
    // The link leads elsewhere, and nothing happens in the directory that is listened to.
    await mkdir(join(dir, 'a'));
    await mkdir(join(dir, 'b'));
    await writeFile(join(dir, 'a', 'config'), 'a.');
    await writeFile(join(dir, 'b', 'config'), 'b.');
    await symlink('a', join(dir, 'link'));
    await follow(clock, { file: join(dir, 'link', 'config') });
    await symlink('b', join(dir, 'next'));
    await rename(join(dir, 'next'), join(dir, 'link'));
    await settle();
    await clock.advance(10_000);
    await waitFor(() => watched.value === 'b.');
  });

  it('looks on at what comes while it is busy', async () => {
    await writeFile(file, '1.');
    const waiting: (() => void)[] = [];
    await follow(new FakeClock(), {
      build: (text, before) =>
        before === undefined
          ? text
          : new Promise((resolve) => {
              waiting.push(() => resolve(text));
            }),
    });
    await replace('2.');
    const first = watched.reload();
    await waitFor(() => waiting.length === 1);
    await replace('3.');
    const second = watched.reload();
    expect(watched.reload()).toBe(second);
    waiting[0]?.();
    await first;
    expect(watched.value).toBe('2.');
    await waitFor(() => waiting.length === 2);
    watched.close();
    waiting[1]?.();
    await second;
    // What came too late was ended at once.
    expect(log.filter((each) => each.startsWith('ended')).sort()).toEqual(['ended 1.', 'ended 2.', 'ended 3.']);
  });
});

describe('a change that the system tells of', () => {
  const seen = (value: string) => waitFor(() => watched.value === value, { timeoutMs: 5_000 });

  it('counts within a moment: written in place, renamed over, or by the links of a ConfigMap', async () => {
    await writeFile(file, '1.');
    await follow(systemClock);
    await writeFile(file, '2.');
    await seen('2.');
    await replace('3.');
    await seen('3.');
    watched.close();

    // As the kubelet mounts it: config -> ..data/config, ..data -> ..1, and only ..data is replaced.
    const mounted = join(dir, 'mounted');
    for (const each of ['1', '2']) {
      await mkdir(join(mounted, `..${each}`), { recursive: true });
      await writeFile(join(mounted, `..${each}`, 'config'), `map ${each}.`);
    }
    await symlink('..1', join(mounted, '..data'));
    await symlink('..data/config', join(mounted, 'config'));
    await follow(systemClock, { file: join(mounted, 'config') });
    expect(watched.value).toBe('map 1.');
    await symlink('..2', join(mounted, '..tmp'));
    await rename(join(mounted, '..tmp'), join(mounted, '..data'));
    await seen('map 2.');
  });

  it('leaves what there was where the writer is killed in the middle', async () => {
    const whole = `${'x'.repeat(200_000)}.`;
    await writeFile(file, '1.');
    await follow(systemClock);
    for (let round = 0; round < 5; round++) {
      const script = `const fs = require('node:fs');
        const at = fs.openSync(process.argv[1], 'w');
        for (;;) { fs.writeSync(at, 'x'.repeat(1000)); if (fs.fstatSync(at).size > 50_000) process.stdout.write('.'); }`;
      const writer = spawn(process.execPath, ['-e', script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      writer.kill('SIGKILL');
      await once(writer, 'close');
      await watched.reload();
      expect(watched.value).toBe('1.');
    }
    expect(log.filter((each) => each.startsWith('changed'))).toEqual([]);
    expect(log).toContain('failure');
    await replace(whole);
    await seen(whole);
  });
});
