import { Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { ServiceController } from './service-controller.ts';

/** Watches over the cluster IPs and node ports of Services. */
export const servicePlugin = definePlugin({
  name: 'service',
  user: 'system:serviceaccount:kube-system:service-controller',
  register({ provide }) {
    provide(Controllers, ServiceController, [Informers, EventRecorder]);
  },
});
