import { appendFile, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as cri from '@keelson/core/cri';
import { systemClock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { openSimulatedRuntime, simulatedOptionsSchema } from '@keelson/cri-runtimes';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLogOptions } from '../server/log-options.ts';
import { parseLogLine } from './cri-log.ts';
import { LogRotator } from './log-rotator.ts';
import { readLogs } from './read-logs.ts';

let dir = '';
let path = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'logs-'));
  path = join(dir, '0.log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const line = (second: number, text: string, tag = 'F', stream = 'stdout') =>
  `2026-01-01T00:00:0${second}.000000001Z ${stream} ${tag} ${text}\n`;
const options = (query: string) => parseLogOptions(new URLSearchParams(query), Date.parse('2026-01-01T00:00:10Z'));
async function read(query: string, running = async () => false): Promise<string> {
  let text = '';
  for await (const chunk of readLogs(path, options(query), running, systemClock, new AbortController().signal))
    text += chunk;
  return text;
}

describe('container logs', () => {
  it('are read whole, from the end, since a time, with times and up to a limit', async () => {
    await writeFile(path, line(1, 'one') + line(2, 'half', 'P') + line(3, ' and half') + line(4, 'err', 'F', 'stderr'));
    expect(await read('')).toBe('one\nhalf and half\nerr\n');
    expect(await read('tailLines=1')).toBe('err\n');
    expect(await read('tailLines=0')).toBe('');
    expect(await read('sinceSeconds=7')).toBe(' and half\nerr\n');
    expect(await read('sinceTime=2026-01-01T00:00:04Z')).toBe('err\n');
    expect(await read('timestamps=true&tailLines=1')).toBe('2026-01-01T00:00:04.000000001Z err\n');
    expect(await read('limitBytes=5')).toBe('one\nh');
    expect(await read('stream=Stderr')).toBe('err\n');
  });

  it('are followed across rotation until the container has ended', async () => {
    await writeFile(path, line(1, 'one'));
    let running = true;
    let text = '';
    const followed = (async () => {
      const signal = new AbortController().signal;
      for await (const chunk of readLogs(path, options('follow=true'), async () => running, systemClock, signal))
        text += chunk;
    })();
    await waitFor(() => text === 'one\n');
    await appendFile(path, line(2, 'two'));
    await rename(path, `${path}.20260101-000003`);
    await writeFile(path, line(3, 'three'));
    await waitFor(() => text === 'one\ntwo\nthree\n');
    running = false;
    await followed;
    expect(await read('')).toBe('one\ntwo\nthree\n');
  });

  it('are not there yet: empty, not an error', async () => expect(await read('')).toBe(''));

  it.each(['tailLines=-1', 'limitBytes=0', 'sinceSeconds=x', 'stream=None'])('refuse %s', (query) => {
    expect(() => options(query)).toThrow('PodLogOptions is invalid');
  });

  it('hold nothing but entries', () => {
    expect(parseLogLine(Buffer.from('nonsense'))).toBeUndefined();
    expect(parseLogLine(Buffer.from('t stdout F'))?.text).toHaveLength(0);
  });

  it('are set aside when they grow, the older ones compressed, the oldest removed', async () => {
    const clock = new FakeClock();
    const base = openSimulatedRuntime(clock, () => 0.5, simulatedOptionsSchema.parse({}), {
      podCidr: '10.0.0.0/24',
    }).runtimeService;
    const status: cri.ContainerStatus = { id: 'c', logPath: path, labels: {} };
    const runtime: cri.RuntimeService = {
      ...base,
      listContainers: async () => ({ containers: [{ id: 'c' }] }),
      containerStatus: async () => ({ status }),
      reopenContainerLog: async () => {
        await writeFile(path, '');
        return {};
      },
    };
    const quiet: Logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
      named: () => quiet,
    };
    const rotator = new LogRotator({ root: dir, runtime, clock, logger: quiet, maxBytes: 10, maxFiles: 3 });
    for (let round = 1; round <= 5; round += 1) {
      await writeFile(path, line(round, 'x'.repeat(20)));
      await rotator.rotateAll(new AbortController().signal);
      await clock.advance(1000);
    }
    const names = (await readdir(dir)).sort();
    expect(names).toEqual(['0.log', '0.log.20260101-000003.gz', '0.log.20260101-000004']);
    expect(await readFile(path, 'utf8')).toBe('');
    await waitFor(async () => (await read('')).split('\n').length === 3);
  });
});
