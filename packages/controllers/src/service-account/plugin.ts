import { Client, Controllers, definePlugin, Informers } from '@keelson/core';
import { ServiceAccountController } from './service-account-controller.ts';

/** Gives every namespace its ServiceAccount `default`, without which it takes no pods. */
export const serviceAccountPlugin = definePlugin({
  name: 'service-account',
  user: 'system:serviceaccount:kube-system:service-account-controller',
  register({ provide }) {
    provide(Controllers, ServiceAccountController, [Client, Informers]);
  },
});
