import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { z } from 'zod';
import { NodeLifecycleController } from './node-lifecycle-controller.ts';
import { TaintEvictionController } from './taint-eviction-controller.ts';

const options = z.strictObject({
  /** How long a kubelet may be silent. */
  nodeMonitorGracePeriodSeconds: z.int().min(1).default(50),
});

/** Watches the pulse of nodes and moves pods away from those that are lost. */
export const nodeLifecyclePlugin = definePlugin<z.infer<typeof options>>({
  name: 'node-lifecycle',
  user: 'system:serviceaccount:kube-system:node-controller',
  options,
  register({ provide, options }) {
    provide.factory(
      Controllers,
      (client, informers, recorder, clock) => new NodeLifecycleController(client, informers, recorder, clock, options),
      [Client, Informers, EventRecorder, Clock],
    );
    provide(Controllers, TaintEvictionController, [Client, Informers, EventRecorder, Clock]);
  },
});
