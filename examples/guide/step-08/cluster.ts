import { testCluster } from '@keelson/apiserver/testing';
import { noNetworkPlugin } from '@keelson/cni-plugins';
import {
  deploymentPlugin,
  garbageCollectorPlugin,
  nodeLifecyclePlugin,
  replicaSetPlugin,
  schedulerPlugin,
  serviceAccountPlugin,
} from '@keelson/controllers';
import type { Operator } from '@keelson/core';
import { simulatedRuntimePlugin } from '@keelson/cri-runtimes';
import { nodePlugin } from '@keelson/node';

/** What makes a pod of a Deployment and starts it, on two nodes that only pretend to. */
const controllers = [
  serviceAccountPlugin,
  deploymentPlugin,
  replicaSetPlugin,
  garbageCollectorPlugin,
  schedulerPlugin,
  nodeLifecyclePlugin,
  nodePlugin,
  simulatedRuntimePlugin,
  noNetworkPlugin,
];

export const wholeCluster = (operator: Operator, dataDir: string) =>
  testCluster({ plugins: [...controllers, operator], options: { node: { nodes: 2, dataDir } } });
