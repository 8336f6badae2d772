import { Client, Controllers, definePlugin, Informers } from '@keelson/core';
import { RootCa } from './root-ca.ts';
import { RootCaController } from './root-ca-controller.ts';

/** Publishes the cluster's CA in every namespace, so that pods can trust the API server. */
export const rootCaPlugin = definePlugin({
  name: 'root-ca',
  user: 'system:serviceaccount:kube-system:root-ca-cert-publisher',
  register({ provide }) {
    provide(Controllers, RootCaController, [Client, Informers, RootCa]);
  },
});
