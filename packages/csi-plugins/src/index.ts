export { createHostPathDriver, type HostPathDriverOptions, hostPathDriverName } from './host-path/host-path-driver.ts';
export { bindMounts, linkMounts, type Mounts } from './host-path/mounts.ts';
export { hostPathPlugin } from './host-path/plugin.ts';
export { VolumeStore } from './host-path/volume-store.ts';
export { serveCsi } from './serve/serve-csi.ts';
