import { Client, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { ResourceClaimController } from './resource-claim-controller.ts';

/** Makes the ResourceClaims of pods from templates. */
export const resourceClaimPlugin = definePlugin({
  name: 'resource-claim',
  user: 'system:serviceaccount:kube-system:resource-claim-controller',
  register({ provide }) {
    provide(Controllers, ResourceClaimController, [Client, Informers, EventRecorder]);
  },
});
