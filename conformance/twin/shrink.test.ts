import { expect, it } from 'vitest';
import type { Step, TwinCase } from './case.ts';
import type { Difference } from './diff.ts';
import { type Group, groupKey } from './groups.ts';
import type { Json } from './json.ts';
import { pathsOf, removeAt, shrink, smallerSteps } from './shrink.ts';

const difference = (step: number): Difference => ({ step, path: 'body.x', expected: 1, got: 2 });

it('leaves the requests and the fields without which the difference is gone', async () => {
  const steps: Step[] = [
    {
      id: 'made',
      method: 'POST',
      path: '/a',
      json: { spec: { cause: 1, other: { deep: [1, 2] } }, metadata: { name: 'n' } },
    },
    { method: 'GET', path: '/a' },
    { method: 'DELETE', path: '/a', query: { dryRun: 'All' } },
    { method: 'GET', path: '/b' },
  ];
  const example: TwinCase = { kind: 'pods/v1', scenario: 's', namespaced: true, steps };
  const group: Group = {
    key: groupKey(example, difference(2)),
    kinds: new Map(),
    scenarios: new Map(),
    count: 1,
    number: 0,
    example,
    difference: difference(2),
    all: [],
  };
  await shrink(group, async ({ steps: now }) => {
    const made = now.some(({ json }) => JSON.stringify(json ?? null).includes('"cause"'));
    const at = now.findIndex(({ method }) => method === 'DELETE');
    return { differences: made && at >= 0 ? [difference(at)] : [] };
  });
  expect(group.example.steps).toEqual([
    { id: 'made', method: 'POST', path: '/a', json: { spec: { cause: 1 } } },
    { method: 'DELETE', path: '/a', query: {} },
  ]);
  expect(group.difference.step).toBe(1);
});

it('never takes away what keeps a case to its own objects', () => {
  const step: Step = {
    method: 'DELETE',
    path: '/a',
    query: { labelSelector: 'twin={{id}}', limit: '1' },
    json: { metadata: { labels: { twin: '{{id}}' } } },
  };
  for (const change of smallerSteps(step)) expect(change(step).query?.['labelSelector']).toBe('twin={{id}}');
  expect(smallerSteps({ ...step, json: undefined })).toHaveLength(1);
});

it('removes any place of a value, and nothing else', () => {
  const value: Json = { a: [{ b: 1 }, 2], c: {} };
  for (const path of pathsOf(value)) expect(JSON.stringify(removeAt(value, path))).not.toBe(JSON.stringify(value));
  expect(removeAt(value, ['a', 0])).toEqual({ a: [2], c: {} });
  expect(removeAt(value, ['x', 'y'])).toBe(value);
});
