import { processConformance } from './conformance-processes.ts';
import { streamConformance } from './conformance-streams.ts';
import { type CriSubject, PodFixture } from './conformance-subject.ts';
import { installedVitest } from './conformance-vitest.ts';
import { type ContainerEventType, GrpcError, grpcCode } from './index.ts';

export type { CriSubject } from './conformance-subject.ts';

/** What the conformance suite of runtimes needs to try one. */
export interface CriConformanceOptions {
  /** Why the machine cannot run this runtime. The suite is then skipped visibly, and fails where `CI` is `true`. */
  readonly unavailable?: string;
}

/**
 * The vitest suite that every `ContainerRuntime` passes. Those without processes (`simulated`) are asked for CRI's life
 * cycles only, others also for what the processes see.
 */
export function criConformance(
  name: string,
  open: () => Promise<CriSubject>,
  { unavailable }: CriConformanceOptions = {},
): void {
  const { afterAll, beforeAll, describe, it } = installedVitest();
  if (unavailable !== undefined) {
    const title = `CRI conformance of ${name}: ${unavailable}`;
    if (process.env['CI'] === 'true') {
      it(title, () => {
        throw new Error(`${name} cannot run here, and CI must not skip it: ${unavailable}`);
      });
    } else it.skip(title);
    return;
  }
  describe(`CRI conformance of ${name}`, () => {
    let subject: CriSubject;
    let pods: PodFixture;
    beforeAll(async () => {
      subject = await open();
      pods = new PodFixture(subject);
    }, 120_000);
    afterAll(async () => {
      try {
        await pods?.removeAll();
      } finally {
        // Whoever looks after a runtime would start it again while it is taken away.
        await pods?.runtime.close();
        await subject?.close();
      }
    }, 120_000);
    lifeCycleConformance(() => ({ subject, pods }));
    processConformance(() => ({ subject, pods }));
    streamConformance(() => ({ subject, pods }));
  });
}

function lifeCycleConformance(current: () => { readonly subject: CriSubject; readonly pods: PodFixture }): void {
  const { expect, it, vi } = installedVitest();
  const runtime = () => current().subject.runtime.runtimeService;
  const images = () => current().subject.runtime.imageService;

  it('says its version and is ready', async () => {
    const version = await runtime().version({ version: '0.1.0' });
    expect(version.runtimeName).toBeTruthy();
    expect(version.runtimeApiVersion).toBe('v1');
    const { status } = await runtime().status({ verbose: true });
    const ready = status?.conditions?.filter((condition) => condition.status).map(({ type }) => type);
    expect(ready).toEqual(expect.arrayContaining(['RuntimeReady', 'NetworkReady']));
  });

  it('knows which images are present', async () => {
    const image = await current().pods.image();
    expect((await images().imageStatus({ image: { image: 'registry.invalid/none:1' } })).image).toBeUndefined();
    const status = (await images().imageStatus({ image: { image } })).image;
    expect(status?.id).toBeTruthy();
    expect((await images().imageStatus({ image: { image: status?.id } })).image?.id).toBe(status?.id);
    const listed = await images().listImages({});
    expect(listed.images?.map(({ id }) => id)).toContain(status?.id);
    await expect(images().pullImage({ image: { image: 'NOT a reference' } })).rejects.toBeInstanceOf(GrpcError);
    const usage = await images().imageFsInfo({});
    expect(usage.imageFilesystems?.length).toBeGreaterThan(0);
  });

  it('runs, lists, stops and removes a pod sandbox', async () => {
    const config = current().pods.sandboxConfig({ labels: { app: 'one' }, annotations: { note: 'kept' } });
    const podSandboxId = await current().pods.run(config);
    const { status } = await runtime().podSandboxStatus({ podSandboxId });
    expect(status).toMatchObject({
      id: podSandboxId,
      state: 'SANDBOX_READY',
      metadata: config.metadata,
      labels: { app: 'one' },
      annotations: { note: 'kept' },
    });
    expect(status?.createdAt).toBeGreaterThan(1e18);
    expect(status?.network?.ip).toMatch(/^[\d.]+$|:/);
    const ids = async (filter: Parameters<ReturnType<typeof runtime>['listPodSandbox']>[0]['filter']) =>
      (await runtime().listPodSandbox({ filter })).items?.map(({ id }) => id) ?? [];
    expect(await ids({ id: podSandboxId })).toEqual([podSandboxId]);
    expect(await ids({ labelSelector: { app: 'two' } })).not.toContain(podSandboxId);
    expect(await ids({ state: { state: 'SANDBOX_READY' }, labelSelector: { app: 'one' } })).toContain(podSandboxId);
    await runtime().stopPodSandbox({ podSandboxId });
    await runtime().stopPodSandbox({ podSandboxId });
    expect((await runtime().podSandboxStatus({ podSandboxId })).status?.state).toBe('SANDBOX_NOTREADY');
    expect(await ids({ state: { state: 'SANDBOX_READY' } })).not.toContain(podSandboxId);
    await runtime().removePodSandbox({ podSandboxId });
    await runtime().removePodSandbox({ podSandboxId });
    await expect(runtime().podSandboxStatus({ podSandboxId })).rejects.toMatchObject({ code: grpcCode.notFound });
  });

  it('keeps the name of a sandbox to one at a time, and gives each an address of its own', async () => {
    const { pods } = current();
    const config = pods.sandboxConfig();
    const first = await pods.run(config);
    await expect(runtime().runPodSandbox({ config })).rejects.toBeInstanceOf(GrpcError);
    const second = await pods.run({ ...config, metadata: { ...config.metadata, attempt: 1 } });
    const addresses = await Promise.all(
      [first, second].map(async (podSandboxId) => {
        const { status } = await runtime().podSandboxStatus({ podSandboxId });
        return status?.network?.ip;
      }),
    );
    expect(new Set(addresses).size).toBe(2);
  });

  it('takes a container from created over running to exited', async () => {
    const { pods } = current();
    const podSandboxId = await pods.run();
    const containerId = await pods.create(podSandboxId, { labels: { part: 'a' } });
    const status = async () => (await runtime().containerStatus({ containerId })).status;
    expect(await status()).toMatchObject({ id: containerId, state: 'CONTAINER_CREATED', labels: { part: 'a' } });
    await runtime().startContainer({ containerId });
    const running = await status();
    expect(running?.state).toBe('CONTAINER_RUNNING');
    expect(running?.imageRef).toBeTruthy();
    expect(running?.startedAt).toBeGreaterThanOrEqual(running?.createdAt ?? Number.POSITIVE_INFINITY);
    await expect(runtime().startContainer({ containerId })).rejects.toBeInstanceOf(GrpcError);
    const { containers } = await runtime().listContainers({
      filter: { podSandboxId, state: { state: 'CONTAINER_RUNNING' }, labelSelector: { part: 'a' } },
    });
    expect(containers).toMatchObject([{ id: containerId, podSandboxId, state: 'CONTAINER_RUNNING' }]);
    await runtime().stopContainer({ containerId, timeout: 1 });
    const exited = await status();
    expect(exited?.state).toBe('CONTAINER_EXITED');
    expect(exited?.reason).toMatch(/^(Completed|Error)$/);
    expect(exited?.finishedAt).toBeGreaterThanOrEqual(exited?.startedAt ?? Number.POSITIVE_INFINITY);
    await runtime().stopContainer({ containerId, timeout: 1 });
    await runtime().removeContainer({ containerId });
    await runtime().removeContainer({ containerId });
    await expect(runtime().containerStatus({ containerId })).rejects.toMatchObject({ code: grpcCode.notFound });
    await runtime().stopPodSandbox({ podSandboxId });
    await expect(pods.create(podSandboxId, {})).rejects.toBeInstanceOf(GrpcError);
  });

  it('stops the containers with their sandbox, and removes them with it', async () => {
    const { pods } = current();
    const podSandboxId = await pods.run();
    const containerId = await pods.start(podSandboxId, {});
    await runtime().stopPodSandbox({ podSandboxId });
    expect((await runtime().containerStatus({ containerId })).status?.state).toBe('CONTAINER_EXITED');
    await runtime().removePodSandbox({ podSandboxId });
    const { containers } = await runtime().listContainers({});
    expect(containers?.map(({ id }) => id)).not.toContain(containerId);
  });

  it('answers not found for what it does not know', async () => {
    const containerId = 'f'.repeat(64);
    const notFound = { code: grpcCode.notFound };
    await expect(runtime().containerStatus({ containerId })).rejects.toMatchObject(notFound);
    await expect(runtime().startContainer({ containerId })).rejects.toMatchObject(notFound);
    await expect(runtime().execSync({ containerId, cmd: ['true'] })).rejects.toMatchObject(notFound);
    await expect(current().pods.create(containerId, {})).rejects.toBeInstanceOf(GrpcError);
    await runtime().removeContainer({ containerId });
    await runtime().removePodSandbox({ podSandboxId: containerId });
    const podSandboxId = await current().pods.run();
    const missing = { image: { image: 'registry.invalid/none:1' } };
    await expect(current().pods.create(podSandboxId, missing)).rejects.toBeInstanceOf(GrpcError);
  });

  it('reports what happens as events, or says that it cannot', async () => {
    const { pods } = current();
    const abort = new AbortController();
    const seen = new Map<string, (ContainerEventType | undefined)[]>();
    const reading = (async () => {
      for await (const event of runtime().getContainerEvents({}, abort.signal)) {
        const types = seen.get(event.containerId ?? '') ?? [];
        seen.set(event.containerId ?? '', [...types, event.containerEventType ?? 'CONTAINER_CREATED_EVENT']);
      }
    })();
    const outcome = reading.then(
      () => 'ended',
      (error: unknown) => (error instanceof GrpcError ? error.code : error),
    );
    const podSandboxId = await pods.run();
    const containerId = await pods.start(podSandboxId, {});
    await runtime().stopContainer({ containerId, timeout: 0 });
    await runtime().removeContainer({ containerId });
    const deleted = vi.waitUntil(() => seen.get(containerId)?.at(-1) === 'CONTAINER_DELETED_EVENT' && 'seen', {
      timeout: 10_000,
      interval: 10,
    });
    const result = await Promise.race([deleted, outcome]);
    deleted.catch(() => 'the race is over');
    abort.abort();
    if (result === grpcCode.unimplemented) return;
    expect(result).toBe('seen');
    expect(seen.get(containerId)).toEqual([
      'CONTAINER_CREATED_EVENT',
      'CONTAINER_STARTED_EVENT',
      'CONTAINER_STOPPED_EVENT',
      'CONTAINER_DELETED_EVENT',
    ]);
    await outcome;
  });
}
