import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { DaemonSetController } from './daemonset-controller.ts';

/** Keeps one pod on every node that a DaemonSet is for. */
export const daemonSetPlugin = definePlugin({
  name: 'daemonset',
  user: 'system:serviceaccount:kube-system:daemon-set-controller',
  register({ provide }) {
    provide(Controllers, DaemonSetController, [Client, Informers, EventRecorder, Clock]);
  },
});
