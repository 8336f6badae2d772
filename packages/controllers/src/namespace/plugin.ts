import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { NamespaceController } from './namespace-controller.ts';

export const namespacePlugin = definePlugin({
  name: 'namespace',
  user: 'system:serviceaccount:kube-system:namespace-controller',
  register({ provide }) {
    provide.factory(Controllers, (client, informers, clock) => new NamespaceController(client, informers, clock), [
      Client,
      Informers,
      Clock,
    ]);
  },
});
