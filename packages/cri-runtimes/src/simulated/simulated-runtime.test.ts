import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { criConformance } from '@keelson/core/cri/conformance';
import { systemClock } from '@keelson/core/machinery';
import { FakeClock, settle } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { behaviourOf, matches } from './behaviour.ts';
import { simulatedOptionsSchema } from './options.ts';
import { openSimulatedRuntime } from './simulated-runtime.ts';

/** Park and Miller's generator: the same numbers on every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

criConformance('simulated', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'simulated-'));
  return {
    runtime: openSimulatedRuntime(systemClock, seeded(1), simulatedOptionsSchema.parse({}), { podCidr: '10.1.0.0/24' }),
    image: 'nginx',
    directory,
    processes: false,
    close: () => rm(directory, { recursive: true }),
  };
});

async function start(options: Parameters<typeof simulatedOptionsSchema.parse>[0], annotations = {}) {
  const clock = new FakeClock();
  const runtime = openSimulatedRuntime(clock, seeded(7), simulatedOptionsSchema.parse(options), {
    podCidr: '10.1.0.0/29',
  });
  const directory = await mkdtemp(join(tmpdir(), 'simulated-'));
  await runtime.imageService.pullImage({ image: { image: 'app' } });
  const config = { metadata: { name: 'p', uid: 'u', namespace: 'n' }, annotations, logDirectory: directory };
  const { podSandboxId } = await runtime.runtimeService.runPodSandbox({ config });
  const { containerId } = await runtime.runtimeService.createContainer({
    podSandboxId,
    config: { metadata: { name: 'main' }, image: { image: 'app' }, logPath: 'main.log' },
  });
  const state = async () => (await runtime.runtimeService.containerStatus({ containerId })).status;
  return { clock, runtime, containerId, podSandboxId, state, directory };
}

describe('simulated runtime', () => {
  it('starts after its delay and crashes when an annotation says so', async () => {
    const { clock, runtime, containerId, state, directory } = await start(
      { startDelayMs: 500 },
      {
        'simulated.keelson.dev/exit-after-ms': '3000',
        'simulated.keelson.dev/exit-code.main': '4',
        'simulated.keelson.dev/exec-stdout': 'hi',
      },
    );
    const starting = runtime.runtimeService.startContainer({ containerId });
    await settle();
    expect((await state())?.state).toBe('CONTAINER_CREATED');
    await clock.advance(500);
    await starting;
    const { stdout } = await runtime.runtimeService.execSync({ containerId, cmd: ['x'] });
    expect(Buffer.from(stdout ?? []).toString()).toBe('hi');
    await clock.advance(2999);
    expect((await state())?.state).toBe('CONTAINER_RUNNING');
    await clock.advance(1);
    expect(await state()).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 4, reason: 'Error' });
    await runtime.writeLog?.(containerId ?? '');
    expect(await readFile(join(directory, 'main.log'), 'utf8')).toMatch(/^\S+Z stdout F simulated container main/);
    await expect(runtime.runtimeService.exec({ containerId })).rejects.toMatchObject({ code: 12 });
  });

  it('fails pulls and starts by image rule, and calls by rate', async () => {
    const { runtime, containerId } = await start({
      images: [
        { match: 'bad/*', pullError: 'manifest unknown' },
        { match: 'app', startError: 'no entrypoint' },
      ],
      failureRates: { pullImage: 0, runPodSandbox: 0, createContainer: 0, startContainer: 0, crash: 0 },
    });
    await expect(runtime.imageService.pullImage({ image: { image: 'bad/one' } })).rejects.toThrow('manifest unknown');
    await expect(runtime.runtimeService.startContainer({ containerId })).rejects.toThrow('no entrypoint');
    const clock = new FakeClock();
    const options = simulatedOptionsSchema.parse({ failureRates: { pullImage: 0.5 } });
    const other = openSimulatedRuntime(clock, seeded(3), options, { podCidr: '10.1.0.0/24' });
    let failed = 0;
    for (let each = 0; each < 200; each++) {
      await other.imageService.pullImage({ image: { image: `i${each}` } }).catch(() => failed++);
    }
    expect(failed).toBeGreaterThan(70);
    expect(failed).toBeLessThan(130);
  });

  it('kills at the end of the grace period, and runs out of addresses', async () => {
    const { clock, runtime, containerId, state } = await start({ stopDelayMs: 60_000 });
    await runtime.runtimeService.startContainer({ containerId });
    const stopping = runtime.runtimeService.stopContainer({ containerId, timeout: 30 });
    await clock.advance(30_000);
    await stopping;
    expect(await state()).toMatchObject({ exitCode: 137, reason: 'Error' });
    const run = (uid: string) => runtime.runtimeService.runPodSandbox({ config: { metadata: { name: 'q', uid } } });
    for (const uid of ['a', 'b', 'c', 'd']) await run(uid);
    await expect(run('e')).rejects.toMatchObject({ code: 8 });
    await runtime.runtimeService.stopPodSandbox(await run('a').catch(() => ({ podSandboxId: '' })));
  });

  it('takes the first rule that fits the labels and the command, then that of the image', () => {
    const options = simulatedOptionsSchema.parse({
      containers: [
        { command: 'sleep *' },
        { image: '*/pause:*' },
        { labels: { job: '*' }, command: '*exit 1', exitAfterMs: 10, exitCode: 1 },
        { labels: { job: '*' }, exitAfterMs: 20 },
      ],
      images: [{ match: 'app', exitAfterMs: 30 }],
    });
    const exit = (command: string, labels?: Record<string, string>, image = 'app') => {
      const subject = { image, container: 'c', command, labels, annotations: undefined };
      const { exitAfterMs, exitCode } = behaviourOf(options, subject);
      return [exitAfterMs, exitCode];
    };
    expect(exit('sleep 1', { job: 'a' })).toEqual([undefined, 0]);
    expect(exit('', { job: 'a' }, 'registry.example/pause:3')).toEqual([undefined, 0]);
    expect(exit('sh -c exit 1', { job: 'a' })).toEqual([10, 1]);
    expect(exit('sh -c exit 1')).toEqual([30, 0]);
    expect(exit('work', { job: 'a' })).toEqual([20, 0]);
    expect(exit('work', { other: 'a' })).toEqual([30, 0]);
  });

  it('matches images by pattern', () => {
    expect(matches('registry.example/*:broken', 'registry.example/a/b:broken')).toBe(true);
    expect(matches('a.c', 'abc')).toBe(false);
  });
});
