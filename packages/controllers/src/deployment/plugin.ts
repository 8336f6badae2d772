import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { DeploymentController } from './deployment-controller.ts';

/** Rolls pods from one template to the next, by one ReplicaSet a template. Needs `replicaSetPlugin` for pods. */
export const deploymentPlugin = definePlugin({
  name: 'deployment',
  user: 'system:serviceaccount:kube-system:deployment-controller',
  register({ provide }) {
    provide(Controllers, DeploymentController, [Client, Informers, EventRecorder, Clock]);
  },
});
