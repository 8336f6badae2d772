import { FakeClock } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { evaluateJsonPath, humanDuration } from './index.ts';
import { podCells } from './pod-cells.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe('humanDuration', () => {
  it.each([
    [0, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [9 * minute + 59_000, '9m59s'],
    [10 * minute + 30_000, '10m'],
    [3 * hour + 5 * minute, '3h5m'],
    [7 * hour, '7h'],
    [30 * hour, '30h'],
    [3 * day + 4 * hour, '3d4h'],
    [9 * day, '9d'],
    [3 * 365 * day + 7 * day, '3y7d'],
  ])('%i ms is %s', (ms, text) => expect(humanDuration(ms)).toBe(text));
});

describe('evaluateJsonPath', () => {
  const object = {
    spec: {
      list: [
        { type: 'a', status: 1 },
        { type: 'b', status: 2 },
      ],
    },
    metadata: { labels: { 'x.y/z': 'l' } },
  };
  it.each([
    ['.spec.list[0].status', [1]],
    ['.spec.list[*].status', [1, 2]],
    ['.spec.list[?(@.type=="b")].status', [2]],
    [".spec.list[?(@.type=='b')].status", [2]],
    ['.metadata.labels.x\\.y/z', ['l']],
    ["{.metadata.labels['x.y/z']}", ['l']],
    ['.spec.none.deeper', []],
  ])('%s', (path, expected) => expect(evaluateJsonPath(path, object)).toEqual(expected));
});

describe('podCells', () => {
  const clock = new FakeClock();
  const created = new Date(clock.now() - 90_000).toISOString();
  const base = {
    metadata: { name: 'p', creationTimestamp: created },
    spec: { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }] },
  };
  const shown = (pod: Parameters<typeof podCells>[0]) => podCells(pod, clock.now()).slice(1, 5);
  const status = (state: object, more: object = {}) => ({
    phase: 'Running',
    containerStatuses: [{ name: 'a', image: '', imageID: '', ready: false, restartCount: 3, state, ...more }],
  });

  it('shows what keeps a container from running', () => {
    expect(shown({ ...base, status: { phase: 'Pending' } })).toEqual(['0/1', 'Pending', '0', '90s']);
    const lastState = { terminated: { exitCode: 1, finishedAt: new Date(clock.now() - 10_000).toISOString() } };
    const looping = status({ waiting: { reason: 'CrashLoopBackOff' } }, { lastState });
    expect(shown({ ...base, status: looping })).toEqual(['0/1', 'CrashLoopBackOff', '3 (10s ago)', '90s']);
    expect(shown({ ...base, status: status({ terminated: { exitCode: 2 } }) })[1]).toBe('ExitCode:2');
  });

  it('shows how far init containers are', () => {
    const init = { name: 'i', image: '', imageID: '', ready: false, restartCount: 0 };
    const of = (state: object) => ({
      ...base,
      status: { phase: 'Pending', initContainerStatuses: [{ ...init, state }] },
    });
    expect(shown(of({ running: {} }))[1]).toBe('Init:0/1');
    expect(shown(of({ terminated: { exitCode: 1, reason: 'Error' } }))[1]).toBe('Init:Error');
    expect(shown(of({ waiting: { reason: 'ErrImagePull' } }))[1]).toBe('Init:ErrImagePull');
  });

  it('shows the end', () => {
    const running = status({ running: {} }, { ready: true });
    expect(shown({ ...base, status: running })[1]).toBe('Running');
    const deleted = { ...base.metadata, deletionTimestamp: created };
    expect(shown({ ...base, metadata: deleted, status: running })[1]).toBe('Terminating');
    const completed = { ...status({ terminated: { exitCode: 0, reason: 'Completed' } }), phase: 'Succeeded' };
    expect(shown({ ...base, status: completed })[1]).toBe('Completed');
  });
});
