import { describe, expect, it } from 'vitest';
import { at, deployment, now, replicaSet } from '../pod-control/test-objects.ts';
import { condition, pauseConditions, put } from './conditions.ts';
import { untilDeadline, withProgress } from './progress.ts';
import { deploymentStatus } from './status.ts';

const created = [condition('Progressing', 'True', 'NewReplicaSetCreated', 'Created new replica set "web-1"', now(0))];

function judge(
  wanted: ReturnType<typeof deployment>,
  all: ReturnType<typeof replicaSet>[],
  seconds: number,
  conditions = wanted.status?.conditions ?? [],
) {
  const current = all[0];
  return withProgress(
    wanted,
    deploymentStatus(wanted, all, current, conditions, now(seconds)),
    all,
    current,
    now(seconds),
  );
}

describe('the status of a Deployment', () => {
  it('counts, as the real one does while the first pods come', () => {
    const fresh = replicaSet('web-1', 3, { available: 0, status: { replicas: 0 } });
    expect(judge(deployment(3), [fresh], 0, created)).toEqual({
      observedGeneration: 1,
      unavailableReplicas: 3,
      terminatingReplicas: 0,
      conditions: [
        created[0],
        condition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          now(0),
        ),
      ],
    });
  });

  it('progresses with each new pod, and keeps the time of the transition', () => {
    const wanted = deployment(3, { status: { unavailableReplicas: 3, conditions: created } });
    const status = judge(wanted, [replicaSet('web-1', 3, { available: 2 })], 5);
    expect(status.conditions?.at(-1)).toEqual({
      ...condition('Progressing', 'True', 'ReplicaSetUpdated', 'ReplicaSet "web-1" is progressing.', now(5)),
      lastTransitionTime: at(0),
    });
  });

  it('is complete when all is there', () => {
    const wanted = deployment(3, { status: { conditions: created } });
    const status = judge(wanted, [replicaSet('web-1', 3)], 5);
    expect(status.conditions?.map(({ type, reason, message }) => [type, reason, message])).toEqual([
      ['Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'],
      ['Progressing', 'NewReplicaSetAvailable', 'ReplicaSet "web-1" has successfully progressed.'],
    ]);
    expect(untilDeadline(wanted, status, now(5))).toBeUndefined();
  });

  it('times out when nothing has moved for the deadline', () => {
    const fresh = replicaSet('web-1', 3, { available: 0 });
    const stuck = deployment(3, {
      spec: { progressDeadlineSeconds: 5 },
      status: { replicas: 3, updatedReplicas: 3, conditions: created },
    });
    expect(untilDeadline(stuck, judge(stuck, [fresh], 2), now(2))).toBe(4_000);
    const status = judge(stuck, [fresh], 6);
    expect(status.conditions?.at(-1)).toMatchObject({
      type: 'Progressing',
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: 'ReplicaSet "web-1" has timed out progressing.',
    });
    expect(untilDeadline(stuck, status, now(6))).toBeUndefined();
  });

  it('hands the failure of a ReplicaSet on, and takes it back', () => {
    const failure = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'quota',
      lastTransitionTime: at(3),
    };
    const failing = replicaSet('web-1', 3, { available: 1, status: { conditions: [failure] } });
    const status = judge(deployment(3), [failing], 4, created);
    expect(status.conditions).toContainEqual({ ...failure, lastUpdateTime: at(3) });
    const healed = judge(deployment(3, { status }), [replicaSet('web-1', 3, { available: 1 })], 5);
    expect(healed.conditions?.some(({ type }) => type === 'ReplicaFailure')).toBe(false);
  });

  it('does not know how many pods terminate before its ReplicaSets do', () => {
    const unseen = replicaSet('web-1', 3, { available: 0, status: { replicas: 0, terminatingReplicas: undefined } });
    expect(deploymentStatus(deployment(3), [unseen], unseen, [], now(0)).terminatingReplicas).toBeUndefined();
    expect(deploymentStatus(deployment(3), [], undefined, [], now(0)).terminatingReplicas).toBe(0);
  });
});

describe('pausing', () => {
  it('is told, and so is resuming', () => {
    const paused = pauseConditions(deployment(3, { spec: { paused: true } }), created, now(1));
    expect(paused).toEqual([condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', now(1))]);
    const resumed = pauseConditions(deployment(3), paused, now(2));
    expect(resumed[0]).toMatchObject({ reason: 'DeploymentResumed', lastTransitionTime: at(1), lastUpdateTime: at(2) });
  });

  it('does not cover up that time has run out', () => {
    const late = put([], condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'late', now(0)));
    expect(pauseConditions(deployment(3, { spec: { paused: true } }), late, now(1))).toBe(late);
  });
});
