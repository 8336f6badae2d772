import { Client, Clients, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { CsiControllers } from '@keelson/core/csi';
import { AttributesClassProtectionController } from './attributes-class-protection-controller.ts';
import { VolumeBinderController } from './volume-binder-controller.ts';
import { VolumeProtectionController } from './volume-protection-controller.ts';

/** Gives claims their volumes: from those that are there, or made by a CSI driver. */
export const volumeBinderPlugin = definePlugin({
  name: 'volume-binder',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  register({ provide }) {
    provide(Controllers, VolumeBinderController, [Client, Informers, EventRecorder, CsiControllers]);
    provide(Controllers, VolumeProtectionController, [Client, Informers]);
    // Kubernetes guards VolumeAttributesClasses under another name, which alone may do it.
    const name = 'system:serviceaccount:kube-system:volumeattributesclass-protection-controller';
    provide.factory(
      Controllers,
      (clients, informers) => new AttributesClassProtectionController(clients.as({ name }), informers),
      [Clients, Informers],
    );
  },
});
