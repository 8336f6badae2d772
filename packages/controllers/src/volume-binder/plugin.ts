import { Client, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { CsiControllers } from '@keelson/core/csi';
import { VolumeBinderController } from './volume-binder-controller.ts';
import { VolumeProtectionController } from './volume-protection-controller.ts';

export const volumeBinderPlugin = definePlugin({
  name: 'volume-binder',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  register({ provide }) {
    provide(Controllers, VolumeBinderController, [Client, Informers, EventRecorder, CsiControllers]);
    provide(Controllers, VolumeProtectionController, [Client, Informers]);
  },
});
