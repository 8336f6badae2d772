import type { Container, Pod, PodStatus } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import { containerHash } from '../pods/pod-facts.ts';
import type { RuntimeContainer, RuntimePod } from '../pods/runtime-pod.ts';
import { generatePodStatus, type PodStatusInput } from './pod-status.ts';
import { stampConditions, statusPatch } from './status-patch.ts';

const a: Container = { name: 'a', image: 'x' };
const pod = (spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name: 'p', namespace: 'default', uid: 'u', generation: 3, ...metadata },
  spec: { containers: [a], ...spec },
});

let at = 0;
function run(name: string, state: RuntimeContainer['state'], exitCode = 0, restartCount = 0): RuntimeContainer {
  at += 1;
  return {
    id: `${name}-${restartCount}`,
    sandboxId: 's',
    name,
    restartCount,
    hash: containerHash({ name, image: 'x' }),
    state,
    createdAt: at * 1000,
    startedAt: 1000,
    finishedAt: state === 'exited' ? 2000 : undefined,
    exitCode,
    reason: '',
    message: '',
    image: 'docker.io/library/x:latest',
    imageId: 'sha256:1',
    logPath: '',
    user: undefined,
    resources: undefined,
    annotations: {},
  };
}

/** @param containers newest first */
function statusOf(of: Pod, containers: readonly RuntimeContainer[], more: Partial<PodStatusInput> = {}): PodStatus {
  const actual: RuntimePod = {
    uid: 'u',
    name: 'p',
    namespace: 'default',
    sandboxes: [{ id: 's', attempt: 0, ready: true, createdAt: 1, ips: ['10.0.0.7'] }],
    containers,
  };
  return generatePodStatus({
    pod: of,
    actual,
    runtimeName: 'containerd',
    hostIps: ['192.168.0.1'],
    waiting: () => undefined,
    probe: () => ({ started: true, ready: true }),
    previous: undefined,
    now: '2026-01-01T00:00:00Z',
    ended: false,
    ...more,
  });
}

const conditions = (status: PodStatus) =>
  Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: value, reason, message }) => [
      type,
      [value, reason, message].filter((each) => each !== undefined).join(' '),
    ]),
  );

describe('generatePodStatus', () => {
  it('says everything of a running pod', () => {
    expect(statusOf(pod(), [run('a', 'running')])).toMatchObject({
      phase: 'Running',
      observedGeneration: 3,
      podIP: '10.0.0.7',
      podIPs: [{ ip: '10.0.0.7' }],
      hostIP: '192.168.0.1',
      hostIPs: [{ ip: '192.168.0.1' }],
      startTime: '2026-01-01T00:00:00Z',
      qosClass: 'BestEffort',
      containerStatuses: [
        {
          name: 'a',
          ready: true,
          started: true,
          restartCount: 0,
          image: 'docker.io/library/x:latest',
          imageID: 'sha256:1',
          containerID: 'containerd://a-0',
          state: { running: { startedAt: '1970-01-01T00:00:01Z' } },
          lastState: {},
        },
      ],
    });
  });

  it('gives conditions with reasons', () => {
    const waiting = statusOf(pod({ initContainers: [{ name: 'i', image: 'x' }] }), [run('i', 'running')]);
    expect(waiting.phase).toBe('Pending');
    expect(conditions(waiting)).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'False ContainersNotInitialized containers with incomplete status: [i]',
      Ready: 'False ContainersNotReady containers with unready status: [a]',
      ContainersReady: 'False ContainersNotReady containers with unready status: [a]',
      PodScheduled: 'True',
    });
    expect(waiting.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
    expect(conditions(statusOf(pod(), [run('a', 'exited')], { ended: true }))).toMatchObject({
      PodReadyToStartContainers: 'False',
      Initialized: 'True PodCompleted',
      Ready: 'False PodCompleted',
      ContainersReady: 'False PodCompleted',
    });
  });

  it('minds readiness gates', () => {
    const gated = pod({ readinessGates: [{ conditionType: 'example.com/up' }] });
    expect(conditions(statusOf(gated, [run('a', 'running')])).Ready).toBe(
      'False ReadinessGatesNotReady corresponding condition of pod readiness gate "example.com/up" does not exist.',
    );
    const told = { ...gated, status: { conditions: [{ type: 'example.com/up', status: 'True' }] } };
    expect(conditions(statusOf(told, [run('a', 'running')])).Ready).toBe('True');
  });

  it('waits in a crash loop with the last end kept', () => {
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s' };
    const status = statusOf(pod(), [run('a', 'exited', 2, 1), run('a', 'exited', 1, 0)], { waiting: () => waiting });
    expect(status.phase).toBe('Running');
    expect(status.containerStatuses?.[0]).toMatchObject({
      state: { waiting },
      lastState: { terminated: { exitCode: 2, reason: 'Error' } },
      restartCount: 1,
      ready: false,
      started: false,
    });
  });

  it.each([
    ['Always', [1], false, 'Running'],
    ['OnFailure', [1], false, 'Running'],
    ['OnFailure', [0], false, 'Succeeded'],
    ['Never', [1], false, 'Failed'],
    ['Never', [0], false, 'Succeeded'],
    ['Always', [0], true, 'Succeeded'],
    ['Always', [137], true, 'Failed'],
  ] as const)('%s with exits %j (ended: %s) is %s', (restartPolicy, exits, ended, phase) => {
    expect(statusOf(pod({ restartPolicy }), [run('a', 'exited', exits[0])], { ended }).phase).toBe(phase);
  });

  it('is Failed when an init container of a Never pod fails', () => {
    expect(
      statusOf(pod({ restartPolicy: 'Never', initContainers: [{ name: 'i', image: 'x' }] }), [run('i', 'exited', 1)])
        .phase,
    ).toBe('Failed');
  });

  it('never leaves a terminal phase, and keeps its start', () => {
    const previous = { phase: 'Failed', reason: 'Evicted', message: 'm', startTime: '2020-01-01T00:00:00Z' };
    expect(statusOf(pod(), [run('a', 'running')], { previous })).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      startTime: '2020-01-01T00:00:00Z',
    });
  });

  it('says what became of a container that the runtime lost', () => {
    const previous = statusOf(pod(), [run('a', 'running')]);
    const [lost] = statusOf(pod(), [], { previous }).containerStatuses ?? [];
    expect(lost).toMatchObject({
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: { terminated: { reason: 'ContainerStatusUnknown', exitCode: 137 } },
    });
  });
});

describe('statusPatch', () => {
  it('says only what changed, and nothing if nothing did', () => {
    const now = '2026-01-01T00:00:00Z';
    const said = stampConditions(statusOf(pod(), [run('a', 'running')]), undefined, now);
    const current = {
      ...pod(),
      status: { ...said, conditions: [...(said.conditions ?? []), { type: 'other', status: 'True' }] },
    };
    expect(statusPatch(current, said)).toBeUndefined();
    const next = stampConditions(
      { ...said, podIP: '10.0.0.8', podIPs: [{ ip: '10.0.0.8' }] },
      said,
      '2027-01-01T00:00:00Z',
    );
    expect(statusPatch(current, next)).toEqual({
      metadata: { uid: 'u' },
      status: { podIP: '10.0.0.8', podIPs: [{ ip: '10.0.0.8' }, { ip: '10.0.0.7', $patch: 'delete' }] },
    });
  });

  it('takes a reason away with the trouble', () => {
    const said = {
      conditions: [{ type: 'Ready', status: 'False', reason: 'A', message: 'm', lastTransitionTime: 't' }],
    };
    const next = { conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 'u' }] };
    expect(statusPatch({ ...pod(), status: said }, next)).toEqual({
      metadata: { uid: 'u' },
      status: { conditions: [{ type: 'Ready', status: 'True', reason: null, message: null, lastTransitionTime: 'u' }] },
    });
  });

  it('moves the time of a condition only with its status', () => {
    const first = stampConditions(
      { conditions: [{ type: 'Ready', status: 'False', reason: 'A' }] },
      undefined,
      '2026-01-01T00:00:00Z',
    );
    const second = stampConditions(
      { conditions: [{ type: 'Ready', status: 'False', reason: 'B' }] },
      first,
      '2026-01-02T00:00:00Z',
    );
    const third = stampConditions({ conditions: [{ type: 'Ready', status: 'True' }] }, second, '2026-01-03T00:00:00Z');
    expect([first, second, third].map((each) => each.conditions?.[0]?.lastTransitionTime?.slice(8, 10))).toEqual([
      '01',
      '01',
      '03',
    ]);
  });
});
