import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { EndpointsController } from './endpoints-controller.ts';
import { EndpointSliceController } from './endpointslice-controller.ts';

export const endpointSlicePlugin = definePlugin({
  name: 'endpointslice',
  user: 'system:serviceaccount:kube-system:endpointslice-controller',
  // Kubernetes writes Endpoints under another name; here the two are one plugin.
  rules: [
    { apiGroups: [''], resources: ['endpoints'], verbs: ['create', 'delete', 'get', 'list', 'update', 'watch'] },
    { apiGroups: [''], resources: ['endpoints/restricted'], verbs: ['create'] },
  ],
  register({ provide }) {
    provide(Controllers, EndpointSliceController, [Client, Informers, Clock]);
    provide(Controllers, EndpointsController, [Client, Informers]);
  },
});
