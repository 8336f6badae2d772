import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { NamespaceController } from './namespace-controller.ts';

/** Empties a namespace that is being deleted, and then lets it go. */
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
