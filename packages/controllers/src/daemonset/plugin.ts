import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { DaemonSetController } from './daemonset-controller.ts';

export const daemonSetPlugin = definePlugin({
  name: 'daemonset',
  user: 'system:serviceaccount:kube-system:daemon-set-controller',
  register({ provide }) {
    provide(Controllers, DaemonSetController, [Client, Informers, EventRecorder, Clock]);
  },
});
