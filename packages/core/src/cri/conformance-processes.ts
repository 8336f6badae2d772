import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CriSubject, PodFixture } from './conformance-subject.ts';
import { installedVitest } from './conformance-vitest.ts';
import { GrpcError, grpcCode } from './index.ts';

async function waitFor<T>(
  condition: () => Promise<T | undefined | false>,
  { what, timeoutMs = 10_000 }: { readonly what: string; readonly timeoutMs?: number },
): Promise<T> {
  const { vi } = installedVitest();
  const value = await vi.waitUntil(async () => (await condition()) || undefined, { timeout: timeoutMs, interval: 20 });
  if (value === undefined) throw new Error(`waited for ${what}`);
  return value;
}

const logLine = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) (stdout|stderr) ([PF]) (.*)$/;

/** What the processes of containers see and leave behind. */
export function processConformance(current: () => { readonly subject: CriSubject; readonly pods: PodFixture }): void {
  const { describe, expect, it } = installedVitest();
  const pods = () => current().pods;
  const service = () => pods().runtime.runtimeService;
  const processes = () => current().subject.processes;
  const exited = (containerId: string) =>
    waitFor(
      async () => {
        const status = await pods().status(containerId);
        return status.state === 'CONTAINER_EXITED' ? status : undefined;
      },
      { what: `the end of ${containerId}`, timeoutMs: 20_000 },
    );
  const log = async (containerId: string) => {
    const { logPath } = await pods().status(containerId);
    const text = await readFile(logPath ?? '', 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [, stream, flag, message = ''] = logLine.exec(line) ?? [];
        if (stream === undefined) throw new Error(`not a line of a CRI log: ${line}`);
        return { stream, flag, message };
      });
  };
  const logged = (containerId: string, stream: string, message: string) =>
    waitFor(
      async () => {
        const lines = await log(containerId);
        return lines.some((line) => line.stream === stream && line.message === message) ? lines : undefined;
      },
      { what: `"${message}" in the log of ${containerId}` },
    );
  const test = (title: string, run: () => Promise<void>) =>
    it(title, async (context) => {
      if (!processes()) context.skip('containers are no processes here');
      await run();
    });

  describe('processes', () => {
    test('end with their exit code and a reason', async () => {
      const pod = await pods().run();
      const good = await pods().shell(pod, 'exit 0');
      const bad = await pods().shell(pod, 'exit 3');
      expect(await exited(good)).toMatchObject({ exitCode: 0, reason: 'Completed' });
      expect(await exited(bad)).toMatchObject({ exitCode: 3, reason: 'Error' });
    });

    test('write a log in the CRI format', async () => {
      const pod = await pods().run();
      const id = await pods().shell(
        pod,
        'echo out; echo err >&2; i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done; printf end',
      );
      await exited(id);
      const lines = await logged(id, 'stdout', 'end');
      const stdout = lines.filter(({ stream }) => stream === 'stdout').map(({ message }) => message);
      expect(stdout).toEqual(['out', ...Array.from({ length: 2000 }, (_, index) => `${index}`), 'end']);
      expect(lines.filter(({ stream }) => stream === 'stderr')).toEqual([
        { stream: 'stderr', flag: 'F', message: 'err' },
      ]);
    });

    test('get command, arguments, environment and working directory', async () => {
      const pod = await pods().run();
      const id = await pods().start(pod, {
        command: ['/bin/sh', '-c'],
        args: ['echo "$A|$B|$0|$1|$PWD"', 'zero', 'one'],
        envs: [
          { key: 'A', value: Buffer.from('a b\'"$x') },
          { key: 'B', value: Buffer.from('ä') },
        ],
        workingDir: '/tmp',
      });
      await exited(id);
      await logged(id, 'stdout', 'a b\'"$x|ä|zero|one|/tmp');
    });

    test('are stopped by TERM, and killed after the grace period', async () => {
      const pod = await pods().run();
      const polite = await pods().shell(pod, 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done');
      const stubborn = await pods().shell(pod, 'trap "" TERM; echo ready; while :; do sleep 0.05; done');
      await logged(polite, 'stdout', 'ready');
      await logged(stubborn, 'stdout', 'ready');
      await service().stopContainer({ containerId: polite, timeout: 10 });
      expect(await pods().status(polite)).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 7, reason: 'Error' });
      await service().stopContainer({ containerId: stubborn, timeout: 1 });
      expect(await pods().status(stubborn)).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 137 });
    });

    test('that cannot be started say so', async () => {
      const pod = await pods().run();
      const containerId = await pods().create(pod, { command: ['/no/such/program'] });
      await expect(service().startContainer({ containerId })).rejects.toBeInstanceOf(GrpcError);
      const status = await pods().status(containerId);
      expect(status).toMatchObject({ state: 'CONTAINER_EXITED', exitCode: 128, reason: 'StartError' });
      expect(status.message).toContain('/no/such/program');
    });

    test('can be joined by execSync', async () => {
      const pod = await pods().run();
      const containerId = await pods().start(pod, { envs: [{ key: 'WHO', value: Buffer.from('me') }] });
      const sh = (script: string, timeout = 0) =>
        service().execSync({ containerId, cmd: ['/bin/sh', '-c', script], timeout });
      const result = await sh('echo "out $WHO"; echo err >&2; exit 5');
      expect(result.exitCode).toBe(5);
      expect(Buffer.from(result.stdout ?? []).toString()).toBe('out me\n');
      expect(Buffer.from(result.stderr ?? []).toString()).toBe('err\n');
      await expect(sh('sleep 30', 1)).rejects.toMatchObject({ code: grpcCode.deadlineExceeded });
      const missing = await service()
        .execSync({ containerId, cmd: ['/no/such/program'] })
        .then(
          ({ exitCode }) => exitCode,
          (error: unknown) => error,
        );
      if (!(missing instanceof GrpcError)) expect([126, 127]).toContain(missing);
      await service().stopContainer({ containerId, timeout: 0 });
      await expect(sh('true')).rejects.toBeInstanceOf(GrpcError);
    });

    test('see the mounts of their container', async (/* files only where they are isolated */) => {
      if (!pods().runtime.isolation.isolates.files) return;
      const source = join(current().subject.directory, 'mounted');
      await mkdir(source, { recursive: true, mode: 0o777 });
      await writeFile(join(source, 'file'), 'hello');
      const pod = await pods().run();
      const id = await pods().shell(
        pod,
        'echo "$(cat /data/sub/file)"; echo x > /data/sub/new && echo written; echo x 2>/dev/null > /fixed/new || echo refused',
        {
          mounts: [
            { containerPath: '/data/sub', hostPath: source },
            { containerPath: '/fixed', hostPath: source, readonly: true },
          ],
        },
      );
      await exited(id);
      const lines = await logged(id, 'stdout', 'refused');
      expect(lines.map(({ message }) => message)).toEqual(expect.arrayContaining(['hello', 'written', 'refused']));
      expect(await readFile(join(source, 'new'), 'utf8')).toBe('x\n');
    });

    test('log into a new file after its rotation', async () => {
      const pod = await pods().run();
      const id = await pods().shell(pod, 'echo first; while :; do sleep 0.05; echo more; done');
      await logged(id, 'stdout', 'first');
      const { logPath = '' } = await pods().status(id);
      await rename(logPath, `${logPath}.1`);
      await service().reopenContainerLog({ containerId: id });
      await logged(id, 'stdout', 'more');
    });

    test('are measured', async () => {
      const pod = await pods().run();
      const containerId = await pods().start(pod, {});
      const { stats } = await waitFor(
        async () => {
          const answer = await service().containerStats({ containerId });
          return (answer.stats?.memory?.workingSetBytes?.value ?? 0) > 0 ? answer : undefined;
        },
        { what: 'statistics' },
      );
      expect(stats?.attributes?.id).toBe(containerId);
      expect(stats?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(0);
      const { stats: all } = await service().listContainerStats({ filter: { podSandboxId: pod } });
      expect(all?.map(({ attributes }) => attributes?.id)).toEqual([containerId]);
    });

    test('that need more memory than their limit are killed as OOMKilled', async () => {
      if (!pods().runtime.isolation.isolates.limits) return;
      const pod = await pods().run();
      const id = await pods().start(pod, {
        command: ['/bin/sh', '-c', 'exec tail /dev/zero'],
        linux: { resources: { memoryLimitInBytes: 32 * 1024 * 1024, memorySwapLimitInBytes: 32 * 1024 * 1024 } },
      });
      expect(await exited(id)).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
    });

    test('outlive the node agent', async () => {
      const { reopen } = current().subject;
      if (reopen === undefined) return;
      const pod = await pods().run();
      const stays = await pods().shell(pod, 'echo before; i=0; while :; do sleep 0.1; i=$((i+1)); echo $i; done');
      const flag = join(current().subject.directory, 'outlived');
      const leaves = await pods().shell(pod, 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done');
      await logged(leaves, 'stdout', 'ready');
      const before = await pods().status(stays);
      await pods().runtime.close();
      await writeFile(flag, '');
      const runtime = await reopen();
      pods().use(runtime);
      expect(await pods().status(stays)).toMatchObject({ state: 'CONTAINER_RUNNING', startedAt: before.startedAt });
      expect((await service().podSandboxStatus({ podSandboxId: pod })).status?.state).toBe('SANDBOX_READY');
      await service().stopContainer({ containerId: leaves, timeout: 10 });
      expect(await pods().status(leaves)).toMatchObject({ exitCode: 9 });
      const count = (await log(stays)).length;
      await waitFor(async () => (await log(stays)).length > count + 2, { what: 'the log to go on' });
    });
  });
}
