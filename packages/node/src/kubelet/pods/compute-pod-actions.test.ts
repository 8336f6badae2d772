import type { Container, Pod } from '@keelson/core/api';
import { describe, expect, it } from 'vitest';
import { computePodActions, type ProbeVerdicts } from './compute-pod-actions.ts';
import { containerHash } from './pod-facts.ts';
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from './runtime-pod.ts';

const quiet: ProbeVerdicts = { liveness: () => undefined, startup: () => undefined };

function pod(spec: Partial<Pod['spec']> = {}): Pod {
  return {
    metadata: { name: 'p', namespace: 'default', uid: 'u' },
    spec: {
      containers: [
        { name: 'a', image: 'x' },
        { name: 'b', image: 'x' },
      ],
      ...spec,
    },
  };
}

function run(
  name: string,
  state: RuntimeContainer['state'],
  exitCode = 0,
  more: Partial<RuntimeContainer> = {},
): RuntimeContainer {
  return {
    id: `${name}-id`,
    sandboxId: 's',
    name,
    restartCount: 0,
    hash: containerHash({ name, image: 'x' }),
    state,
    createdAt: 1,
    startedAt: 1,
    finishedAt: 2,
    exitCode,
    reason: '',
    message: '',
    image: 'x',
    imageId: 'x',
    logPath: '',
    user: undefined,
    resources: undefined,
    annotations: {},
    ...more,
  };
}

const sandbox: RuntimeSandbox = { id: 's', attempt: 0, ready: true, createdAt: 1, ips: ['10.0.0.1'] };
const actual = (
  containers: readonly RuntimeContainer[],
  sandboxes: readonly RuntimeSandbox[] = [sandbox],
): RuntimePod => ({
  uid: 'u',
  name: 'p',
  namespace: 'default',
  sandboxes,
  containers,
});
const init: Container = { name: 'i', image: 'x' };
const sidecar: Container = { name: 'side', image: 'x', restartPolicy: 'Always' };

describe('computePodActions', () => {
  it('makes a sandbox and starts everything of a new pod', () => {
    expect(computePodActions(pod(), actual([], []), quiet)).toMatchObject({
      killPod: false,
      createSandbox: true,
      attempt: 0,
      startContainers: ['a', 'b'],
    });
  });

  it('starts with the first init container', () => {
    expect(computePodActions(pod({ initContainers: [init] }), actual([], []), quiet)).toMatchObject({
      createSandbox: true,
      startInit: ['i'],
      startContainers: [],
    });
  });

  it('does nothing when everything runs', () => {
    expect(computePodActions(pod(), actual([run('a', 'running'), run('b', 'running')]), quiet)).toMatchObject({
      killPod: false,
      createSandbox: false,
      kill: [],
      startContainers: [],
    });
  });

  it('replaces a sandbox that died, with the next attempt, killing what is left', () => {
    const dead = { ...sandbox, ready: false };
    expect(computePodActions(pod(), actual([run('a', 'running'), run('b', 'exited', 1)], [dead]), quiet)).toMatchObject(
      {
        killPod: true,
        createSandbox: true,
        attempt: 1,
        startContainers: ['a', 'b'],
      },
    );
  });

  it('replaces a sandbox without an address, but not on the host network', () => {
    const bare = { ...sandbox, ips: [] };
    expect(computePodActions(pod(), actual([], [bare]), quiet).createSandbox).toBe(true);
    expect(computePodActions(pod({ hostNetwork: true }), actual([], [bare]), quiet).createSandbox).toBe(false);
  });

  it('leaves a Never pod dead with its sandbox', () => {
    const dead = { ...sandbox, ready: false };
    const ended = actual([run('a', 'exited'), run('b', 'exited', 1)], [dead]);
    expect(computePodActions(pod({ restartPolicy: 'Never' }), ended, quiet)).toMatchObject({
      killPod: true,
      createSandbox: false,
    });
  });

  it.each([
    ['Always', 0, ['a']],
    ['Always', 1, ['a']],
    ['OnFailure', 0, []],
    ['OnFailure', 1, ['a']],
    ['Never', 0, []],
    ['Never', 1, []],
  ])('after an exit, %s with code %i starts %j', (restartPolicy, code, expected) => {
    const actions = computePodActions(
      pod({ restartPolicy }),
      actual([run('a', 'exited', code), run('b', 'running')]),
      quiet,
    );
    expect(actions.startContainers).toEqual(expected);
    expect(actions.killPod).toBe(false);
  });

  it('ends the pod when nothing is left to run', () => {
    const ended = actual([run('a', 'exited'), run('b', 'exited')]);
    expect(computePodActions(pod({ restartPolicy: 'OnFailure' }), ended, quiet).killPod).toBe(true);
  });

  it('kills what fails its liveness or startup probe and starts it again', () => {
    const verdicts: ProbeVerdicts = {
      liveness: (id) => (id === 'a-id' ? 'failure' : 'success'),
      startup: (id) => (id === 'b-id' ? 'failure' : 'success'),
    };
    const actions = computePodActions(pod(), actual([run('a', 'running'), run('b', 'running')]), verdicts);
    expect(actions.kill.map((each) => each.message)).toEqual([
      'Container a failed liveness probe, will be restarted',
      'Container b failed startup probe, will be restarted',
    ]);
    expect(actions.startContainers).toEqual(['a', 'b']);
  });

  it('kills without a restart where the policy is Never', () => {
    const verdicts: ProbeVerdicts = { ...quiet, liveness: () => 'failure' };
    const actions = computePodActions(
      pod({ restartPolicy: 'Never' }),
      actual([run('a', 'running'), run('b', 'running')]),
      verdicts,
    );
    expect(actions.kill.map((each) => each.message)).toContain('Container a failed liveness probe');
    expect(actions.startContainers).toEqual([]);
  });

  it('restarts what its spec changed', () => {
    const actions = computePodActions(
      pod(),
      actual([run('a', 'running', 0, { hash: 'old' }), run('b', 'running')]),
      quiet,
    );
    expect(actions.kill).toMatchObject([
      { reason: 'changed', message: 'Container a definition changed, will be restarted' },
    ]);
    expect(actions.startContainers).toEqual(['a']);
  });

  describe('init containers', () => {
    const two = pod({ initContainers: [init, { ...init, name: 'j' }] });
    it('go one after the other', () => {
      expect(computePodActions(two, actual([run('i', 'running')]), quiet)).toMatchObject({
        startInit: [],
        startContainers: [],
      });
      expect(computePodActions(two, actual([run('i', 'exited')]), quiet)).toMatchObject({
        startInit: ['j'],
        startContainers: [],
      });
      expect(computePodActions(two, actual([run('j', 'exited'), run('i', 'exited')]), quiet)).toMatchObject({
        startInit: [],
        startContainers: ['a', 'b'],
      });
    });
    it('are tried again after a failure, but for Never', () => {
      expect(computePodActions(two, actual([run('i', 'exited', 1)]), quiet).startInit).toEqual(['i']);
      const never = pod({ ...two.spec, restartPolicy: 'Never' });
      expect(computePodActions(never, actual([run('i', 'exited', 1)]), quiet)).toMatchObject({
        killPod: true,
        startInit: [],
      });
    });
    it('are not done again once the others have started', () => {
      expect(computePodActions(two, actual([run('a', 'exited', 1), run('b', 'running')]), quiet)).toMatchObject({
        startInit: [],
        startContainers: ['a'],
      });
    });
  });

  describe('sidecars', () => {
    const with_ = pod({ initContainers: [sidecar, init] });
    it('run before the next init container, and hold it up until started', () => {
      expect(computePodActions(with_, actual([]), quiet).startInit).toEqual(['side']);
      expect(computePodActions(with_, actual([run('side', 'running')]), quiet).startInit).toEqual(['i']);
      const probed = pod({ initContainers: [{ ...sidecar, startupProbe: { exec: { command: ['x'] } } }, init] });
      expect(computePodActions(probed, actual([run('side', 'running')]), quiet).startInit).toEqual([]);
      expect(
        computePodActions(probed, actual([run('side', 'running')]), { ...quiet, startup: () => 'success' }).startInit,
      ).toEqual(['i']);
    });
    it('are restarted while the others run, and do not keep the pod', () => {
      const running = actual([run('side', 'exited', 1), run('i', 'exited'), run('a', 'running'), run('b', 'running')]);
      expect(computePodActions(with_, running, quiet)).toMatchObject({ startInit: ['side'], startContainers: [] });
      const over = actual([run('side', 'running'), run('i', 'exited'), run('a', 'exited'), run('b', 'exited')]);
      expect(computePodActions(pod({ ...with_.spec, restartPolicy: 'Never' }), over, quiet).killPod).toBe(true);
    });
  });

  it('starts ephemeral containers once', () => {
    const debugged = pod({ ephemeralContainers: [{ name: 'e', image: 'x' }] });
    const base = [run('a', 'running'), run('b', 'running')];
    expect(computePodActions(debugged, actual(base), quiet).startEphemeral).toEqual(['e']);
    expect(computePodActions(debugged, actual([...base, run('e', 'exited', 1)]), quiet).startEphemeral).toEqual([]);
  });
});
