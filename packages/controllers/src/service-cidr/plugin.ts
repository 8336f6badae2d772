import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { ServiceCidrController } from './service-cidr-controller.ts';

/** Says which ranges of addresses Services may have, and keeps a range until no Service needs it. */
export const serviceCidrPlugin = definePlugin({
  name: 'service-cidr',
  user: 'system:serviceaccount:kube-system:service-cidrs-controller',
  register({ provide }) {
    provide(Controllers, ServiceCidrController, [Client, Informers, Clock]);
  },
});
