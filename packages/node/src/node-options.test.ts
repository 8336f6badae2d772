import { expect, it } from 'vitest';
import { nodeOptionsSchema } from './node-options.ts';

it('takes the labels that a kubelet may set on its Node, and tells how others are set', () => {
  const labels = { 'example.com/disk': 'ssd', 'topology.kubernetes.io/zone': 'a', 'node.kubernetes.io/x': 'y' };
  expect(nodeOptionsSchema.parse({ labels }).labels).toEqual(labels);
  const refused = nodeOptionsSchema.safeParse({ labels: { 'node-role.kubernetes.io/worker': '' } });
  expect(refused.error?.issues[0]).toMatchObject({
    path: ['labels', 'node-role.kubernetes.io/worker'],
    message: 'a node may not give itself the label node-role.kubernetes.io/worker: set it with kubectl label node',
  });
});
