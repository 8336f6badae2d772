import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { ResourceQuotaController } from './resource-quota-controller.ts';

/** Counts what a namespace holds against its ResourceQuotas. */
export const resourceQuotaPlugin = definePlugin({
  name: 'resource-quota',
  user: 'system:serviceaccount:kube-system:resourcequota-controller',
  register({ provide }) {
    provide(Controllers, ResourceQuotaController, [Client, Informers, Clock]);
  },
});
