import { Client, Clients, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { EndpointsController } from './endpoints-controller.ts';
import { EndpointSliceController } from './endpointslice-controller.ts';

/** Says for each Service where its pods can be reached. */
export const endpointSlicePlugin = definePlugin({
  name: 'endpointslice',
  user: 'system:serviceaccount:kube-system:endpointslice-controller',
  register({ provide }) {
    provide(Controllers, EndpointSliceController, [Client, Informers, Clock]);
    // Kubernetes writes Endpoints under another name, which alone may do it.
    const name = 'system:serviceaccount:kube-system:endpoint-controller';
    provide.factory(Controllers, (clients, informers) => new EndpointsController(clients.as({ name }), informers), [
      Clients,
      Informers,
    ]);
  },
});
