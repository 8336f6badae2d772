import { join } from 'node:path';
import { CsiDrivers } from '@keelson/core/csi';
import { definePlugin } from '@keelson/core/plugin';
import { createHostPathDriver, hostPathDriverName } from './host-path-driver.ts';
import { bindMounts, linkMounts } from './mounts.ts';
import { VolumeStore } from './volume-store.ts';

/** Volumes that are directories of this machine, for StorageClasses whose provisioner is `host-path.csi.keelson.dev`. */
export const hostPathPlugin = definePlugin({
  name: 'host-path',
  register({ provide }) {
    provide.value(CsiDrivers, {
      driverName: hostPathDriverName,
      open: async ({ nodeName, dataDir }) =>
        createHostPathDriver({
          store: new VolumeStore(join(dataDir, 'host-path')),
          mounts: process.getuid?.() === 0 ? bindMounts : linkMounts,
          nodeName: nodeName ?? '',
        }),
    });
  },
});
