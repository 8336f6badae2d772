import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { StatefulSetController } from './statefulset-controller.ts';

/** Keeps pods whose names, host names and claims are their own for good. */
export const statefulSetPlugin = definePlugin({
  name: 'statefulset',
  user: 'system:serviceaccount:kube-system:statefulset-controller',
  register({ provide }) {
    provide(Controllers, StatefulSetController, [Client, Informers, EventRecorder, Clock]);
  },
});
