import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Volume } from '@keelson/core/api';

/** The directories of one kubelet, laid out as Kubernetes lays out `/var/lib/kubelet`: tools and drivers look there. */
export class VolumePaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get pods(): string {
    return join(this.root, 'pods');
  }

  pod(uid: string): string {
    return join(this.root, 'pods', uid);
  }

  volumes(uid: string): string {
    return join(this.pod(uid), 'volumes');
  }

  volume(uid: string, plugin: VolumePlugin, name: string): string {
    return join(this.volumes(uid), `kubernetes.io~${plugin}`, name);
  }

  subPaths(uid: string): string {
    return join(this.pod(uid), 'volume-subpaths');
  }

  hostsFile(uid: string): string {
    return join(this.pod(uid), 'etc-hosts');
  }

  /** Where a container leaves its termination message. */
  container(uid: string, container: string): string {
    return join(this.pod(uid), 'containers', container);
  }

  logs(directoryName: string): string {
    return join(this.root, 'logs', 'pods', directoryName);
  }

  csiStaging(driver: string, handle: string): string {
    const hash = createHash('sha256').update(handle).digest('hex');
    return join(this.root, 'plugins', 'kubernetes.io', 'csi', driver, hash, 'globalmount');
  }

  csiBlockStaging(volume: string): string {
    return join(this.root, 'plugins', 'kubernetes.io', 'csi', 'volumeDevices', 'staging', volume);
  }

  csiBlockPublish(volume: string, uid: string): string {
    return join(this.root, 'plugins', 'kubernetes.io', 'csi', 'volumeDevices', 'publish', volume, uid);
  }
}

export type VolumePlugin = 'empty-dir' | 'configmap' | 'secret' | 'projected' | 'downward-api' | 'csi';

/** The volume sources that a kubelet serves by writing files. */
export function contentPlugin(volume: Volume): Exclude<VolumePlugin, 'empty-dir' | 'csi'> | undefined {
  if (volume.configMap) return 'configmap';
  if (volume.secret) return 'secret';
  if (volume.projected) return 'projected';
  return volume.downwardAPI ? 'downward-api' : undefined;
}
