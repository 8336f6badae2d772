import { setTimeout as pause } from 'node:timers/promises';
import { Lease, Node, Pod } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { type Harness, openHarness, ready } from './kubelet-harness.ts';

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.close();
  harness = undefined;
});

describe('a kubelet on the simulated runtime', () => {
  it('registers its node honestly and keeps its lease', async () => {
    harness = await openHarness();
    await harness.kubelet(harness.simulated(), {
      taints: [{ key: 'a', effect: 'NoSchedule' }],
      labels: { disktype: 'ssd' },
    });
    const node = await harness.client.get(Node, { name: 'node-1' });
    expect(node.metadata.labels).toMatchObject({
      'kubernetes.io/hostname': 'node-1',
      'kubernetes.io/os': 'linux',
      disktype: 'ssd',
    });
    expect(node.metadata.annotations?.['keelson.dev/isolation']).toContain('simulated');
    expect(node.spec.taints).toContainEqual({ key: 'a', effect: 'NoSchedule' });
    const conditions = Object.fromEntries((node.status?.conditions ?? []).map((each) => [each.type, each.status]));
    expect(conditions).toMatchObject({
      Ready: 'True',
      MemoryPressure: 'False',
      DiskPressure: expect.any(String),
      PIDPressure: 'False',
    });
    expect(node.status?.conditions?.find((each) => each.type === 'Ready')?.message).toContain('no processes');
    expect(Number(node.status?.capacity?.cpu)).toBeGreaterThan(0);
    const { client } = harness;
    const lease = await waitFor(() => client.get(Lease, { namespace: 'kube-node-lease', name: 'node-1' }));
    expect(lease.spec.holderIdentity).toBe('node-1');
    expect(lease.metadata.ownerReferences?.[0]?.name).toBe('node-1');
  });

  it('runs a pod, says so, and takes it down when it is deleted', async () => {
    harness = await openHarness();
    const { client, get, gone, events, pod } = harness;
    const runtime = harness.simulated();
    await harness.kubelet(runtime);
    await pod({ name: 'a' });
    const running = await waitFor(async () => {
      const now = await get('a');
      return ready(now) && now;
    });
    expect(running.status).toMatchObject({
      phase: 'Running',
      podIP: expect.stringMatching(/^10\.244\.1\./),
      hostIP: '127.0.0.1',
      qosClass: 'BestEffort',
      startTime: expect.any(String),
      containerStatuses: [{ name: 'main', ready: true, started: true, restartCount: 0, state: { running: {} } }],
    });
    expect(running.status?.containerStatuses?.[0]?.containerID).toMatch(/^keelson-simulated:\/\/[0-9a-f]{64}$/);
    await waitFor(async () => (await events('a')).length >= 4);
    expect((await events('a')).map((each) => each.split(':')[0])).toEqual(
      expect.arrayContaining(['Normal Pulling', 'Normal Pulled', 'Normal Created', 'Normal Started']),
    );
    await client.delete(Pod, { namespace: 'default', name: 'a' });
    await waitFor(() => gone('a'));
    await waitFor(async () => ((await runtime.runtimeService.listPodSandbox({})).items ?? []).length === 0);
    expect((await events('a')).join()).toContain('Normal Killing: Stopping container main');
  });

  it('runs init containers in order and sidecars beside them, and comes to an end', async () => {
    harness = await openHarness();
    const { get, pod } = harness;
    await harness.kubelet(harness.simulated());
    await pod(
      {
        name: 'b',
        restartPolicy: 'Never',
        initContainers: [
          { name: 'first', image: 'busybox' },
          { name: 'side', image: 'busybox', restartPolicy: 'Always' },
          { name: 'second', image: 'busybox' },
        ],
      },
      {
        annotations: {
          'simulated.keelson.dev/exit-after-ms.first': '20',
          'simulated.keelson.dev/exit-after-ms.second': '20',
          'simulated.keelson.dev/exit-after-ms.main': '50',
        },
      },
    );
    const done = await waitFor(async () => {
      const now = await get('b');
      return now.status?.phase === 'Succeeded' && now;
    });
    expect(done.status?.initContainerStatuses?.map((each) => each.state?.terminated?.reason)).toEqual([
      'Completed',
      expect.any(String),
      'Completed',
    ]);
    expect(done.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(done.status?.conditions?.find((each) => each.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'PodCompleted',
    });
  });

  it('says why an image cannot be had', async () => {
    harness = await openHarness();
    const { get, pod, events } = harness;
    await harness.kubelet(harness.simulated());
    await pod({ name: 'c' }, { annotations: {} });
    await pod({ name: 'never', containers: [{ name: 'main', image: 'x', imagePullPolicy: 'Never' }] });
    const waiting = await waitFor(async () => {
      const now = await get('never');
      return now.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImageNeverPull' && now;
    });
    expect(waiting.status?.phase).toBe('Pending');
    expect(waiting.status?.containerStatuses?.[0]?.state?.waiting?.message).toBe(
      'Container image "x" is not present with pull policy of Never',
    );
    await waitFor(async () => (await events('never')).some((each) => each.startsWith('Warning ErrImageNeverPull')));
  });

  it('rejects what does not fit', async () => {
    harness = await openHarness();
    const { get, pod } = harness;
    await harness.kubelet(harness.simulated(), { capacity: { cpu: '1', memory: '1Gi' } });
    await pod({ name: 'big', containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '2' } } }] });
    const failed = await waitFor(async () => {
      const now = await get('big');
      return now.status?.phase === 'Failed' && now;
    });
    expect(failed.status).toMatchObject({
      reason: 'OutOfcpu',
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 0, capacity: 1000",
    });
  });

  it('leaves running pods alone when it starts anew', async () => {
    harness = await openHarness();
    const { get, pod } = harness;
    const runtime = harness.simulated();
    const first = await harness.kubelet(runtime);
    await pod({ name: 'd' });
    const before = await waitFor(async () => ready(await get('d')) && get('d'));
    await first.stop();
    await harness.kubelet(runtime);
    await pod({ name: 'e' });
    await waitFor(async () => ready(await get('e')));
    expect((await get('d')).status?.containerStatuses).toEqual(before.status?.containerStatuses);
    expect((await runtime.runtimeService.listContainers({})).containers).toHaveLength(2);
  });

  it('ends pods that the API does not know', async () => {
    harness = await openHarness();
    const { get, pod, client } = harness;
    const runtime = harness.simulated();
    const first = await harness.kubelet(runtime);
    await pod({ name: 'f' });
    await waitFor(async () => ready(await get('f')));
    await first.stop();
    await client.delete(Pod, { namespace: 'default', name: 'f' }, { gracePeriodSeconds: 0 });
    await harness.kubelet(runtime);
    await waitFor(async () => ((await runtime.runtimeService.listPodSandbox({})).items ?? []).length === 0);
  });

  it('restarts what crashes, with a growing pause', async () => {
    const clock = new FakeClock();
    harness = await openHarness(clock);
    const { get, pod } = harness;
    await harness.kubelet(harness.simulated());
    await pod(
      { name: 'g' },
      { annotations: { 'simulated.keelson.dev/exit-after-ms': '1000', 'simulated.keelson.dev/exit-code': '3' } },
    );
    const until = async (condition: (pod: Awaited<ReturnType<typeof get>>) => boolean) => {
      for (let step = 0; step < 1200; step += 1) {
        if (condition(await get('g'))) return get('g');
        // Files are read in real time: the clock must not run away from them.
        await pause(4);
        await clock.advance(250);
      }
      throw new Error(`never: ${JSON.stringify((await get('g')).status, null, 1)}`);
    };
    const waits = async (restarts: number) => {
      const now = await until((each) => {
        const status = each.status?.containerStatuses?.[0];
        return status?.state?.waiting?.reason === 'CrashLoopBackOff' && status.restartCount === restarts;
      });
      return now.status?.containerStatuses?.[0]?.state?.waiting?.message?.replace(/\(.*\)/, '(uid)');
    };
    expect(await waits(1)).toBe('back-off 10s restarting failed container=main pod=g_default(uid)');
    const uid = (await get('g')).metadata.uid;
    expect((await get('g')).status?.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({
      exitCode: 3,
      reason: 'Error',
    });
    expect(await waits(2)).toBe('back-off 20s restarting failed container=main pod=g_default(uid)');
    expect(await waits(3)).toBe('back-off 40s restarting failed container=main pod=g_default(uid)');
    expect((await get('g')).metadata.uid).toBe(uid);
    expect((await get('g')).status?.phase).toBe('Running');
  });
});
