import { Client, Clock, Controllers, definePlugin, Informers } from '@keelson/core';
import { EndpointSliceMirroringController } from './endpointslice-mirroring-controller.ts';

/** Keeps EndpointSlices for the Endpoints that people write themselves. */
export const endpointSliceMirroringPlugin = definePlugin({
  name: 'endpointslice-mirroring',
  user: 'system:serviceaccount:kube-system:endpointslicemirroring-controller',
  register({ provide }) {
    provide(Controllers, EndpointSliceMirroringController, [Client, Informers, Clock]);
  },
});
