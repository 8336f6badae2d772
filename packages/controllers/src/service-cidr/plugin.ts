import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { ServiceCidrController } from './service-cidr-controller.ts';

export const serviceCidrPlugin = definePlugin({
  name: 'service-cidr',
  user: 'system:serviceaccount:kube-system:service-cidrs-controller',
  register({ provide }) {
    provide(Controllers, ServiceCidrController, [Client, Informers, Clock]);
  },
});
