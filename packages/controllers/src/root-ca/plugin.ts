import { Client, Controllers, definePlugin, Informers } from '@keelson/core';
import { RootCa } from './root-ca.ts';
import { RootCaController } from './root-ca-controller.ts';

export const rootCaPlugin = definePlugin({
  name: 'root-ca',
  user: 'system:serviceaccount:kube-system:root-ca-cert-publisher',
  register({ provide }) {
    provide(Controllers, RootCaController, [Client, Informers, RootCa]);
  },
});
