import { expect, it } from 'vitest';
import { clusterKey, splitClusterKey } from './index.ts';

it.each([
  ['east', 'default/shop', 'east:default/shop'],
  ['east', 'system:node:one', 'east:/system:node:one'],
  ['east-1.example', 'kube-system/system:x', 'east-1.example:kube-system/system:x'],
])('in %s %s is %s', (cluster, key, placed) => {
  expect(clusterKey(cluster, key)).toBe(placed);
  expect(splitClusterKey(placed)).toEqual({ cluster, key });
});
