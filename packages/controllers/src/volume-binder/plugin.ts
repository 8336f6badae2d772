import { Client, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { CsiControllers } from '@keelson/core/csi';
import { AttributesClassProtectionController } from './attributes-class-protection-controller.ts';
import { VolumeBinderController } from './volume-binder-controller.ts';
import { VolumeProtectionController } from './volume-protection-controller.ts';

export const volumeBinderPlugin = definePlugin({
  name: 'volume-binder',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  // Kubernetes guards VolumeAttributesClasses under another name; here all that guards storage is one plugin.
  rules: [
    {
      apiGroups: ['storage.k8s.io'],
      resources: ['volumeattributesclasses'],
      verbs: ['get', 'list', 'update', 'watch'],
    },
  ],
  register({ provide }) {
    provide(Controllers, VolumeBinderController, [Client, Informers, EventRecorder, CsiControllers]);
    provide(Controllers, VolumeProtectionController, [Client, Informers]);
    provide(Controllers, AttributesClassProtectionController, [Client, Informers]);
  },
});
