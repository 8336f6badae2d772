import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../api/index.ts';
import { scopeThatWouldDo } from './cache-scope.ts';

const object = (name: string, namespace: string, labels: Record<string, string> = {}): KubernetesObject => ({
  metadata: { name, namespace, labels },
});
const others = Array.from({ length: 1_000 }, (_, at) => object(`o${at}`, `ns${at % 100}`, { app: 'other', tier: 'x' }));

describe('the scope that would do', () => {
  it.each([
    ['none read', [], '`informers.metadata(Pod)` tells the same events'],
    ['one namespace', [object('a', 'here'), object('b', 'here')], "{ namespace: 'here' }"],
    ['one label', [object('a', 'x', { app: 'web' }), object('b', 'y', { app: 'web' })], "{ labelSelector: 'app=web' }"],
    [
      'a label that the others lack',
      [object('a', 'x', { my: '1' }), object('b', 'y', { my: '2' })],
      "{ labelSelector: 'my' }",
    ],
    [
      'few namespaces',
      [object('a', 'x', { tier: 'x' }), object('b', 'y', { tier: 'x' })],
      'these namespaces would do: x, y',
    ],
    ['all over', Array.from({ length: 9 }, (_, at) => object(`r${at}`, `r${at}`)), '`client.get(Pod, …)`'],
  ] as const)('%s', (_, read, advice) => {
    expect(scopeThatWouldDo(read, [...others, ...read], 'Pod')).toContain(advice);
  });
});
