import { Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { ServiceController } from './service-controller.ts';

export const servicePlugin = definePlugin({
  name: 'service',
  user: 'system:serviceaccount:kube-system:service-controller',
  register({ provide }) {
    provide(Controllers, ServiceController, [Informers, EventRecorder]);
  },
});
