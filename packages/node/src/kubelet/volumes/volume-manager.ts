import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '@keelson/core/api';
import type { Clock } from '@keelson/core/machinery';
import { wholeValue } from '../containers/quantity-values.ts';
import { hasErrorCode } from '../errors.ts';
import { allContainers } from '../pods/pod-facts.ts';
import { writeAtomically } from './atomic-writer.ts';
import { type ContentSources, volumeContent } from './content.ts';
import type { CsiVolumes } from './csi-volumes.ts';
import { applyFsGroup } from './fs-group.ts';
import { prepareHostPath } from './host-path.ts';
import type { Mounter } from './mounts.ts';
import { contentPlugin, type VolumePaths } from './volume-paths.ts';

/** A volume that is ready for containers. */
export interface MountedVolume {
  readonly hostPath: string;
  readonly readOnly: boolean;
  readonly block: boolean;
}
export type MountedVolumes = ReadonlyMap<string, MountedVolume>;

export interface VolumeManagerOptions {
  readonly paths: VolumePaths;
  readonly clock: Clock;
  readonly mounter: Mounter;
  readonly csi: CsiVolumes;
  readonly asRoot: boolean;
}

/** The error of one volume, with its name. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
  readonly volume: string;
  constructor(volume: string, message: string) {
    super(message);
    this.volume = volume;
  }
}

/**
 * Makes the volumes of a pod ready and takes them down again. Both may be repeated at any time; what is on disk is the
 * only memory, so that a kubelet that starts anew takes down what an earlier one made.
 */
export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  #stamp = 0;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  /** Sets up what is missing and brings file contents up to date. Rejects with `VolumeError` for the first that fails. */
  async mount(pod: Pod, sources: ContentSources, signal: AbortSignal): Promise<MountedVolumes> {
    const used = usedVolumes(pod);
    const mounted = new Map<string, MountedVolume>();
    for (const volume of pod.spec.volumes ?? []) {
      if (!used.has(volume.name)) continue;
      try {
        mounted.set(volume.name, await this.#setUp(pod, volume, sources, signal));
      } catch (error) {
        signal.throwIfAborted();
        throw new VolumeError(volume.name, error instanceof Error ? error.message : String(error));
      }
    }
    return mounted;
  }

  /** Unmounts and removes everything of a pod, its directory included. */
  async unmount(uid: string, signal: AbortSignal): Promise<void> {
    const { paths, mounter, csi } = this.#options;
    for (const each of await mounter.below(paths.subPaths(uid))) await mounter.unmount(each, signal);
    for (const plugin of await names(paths.volumes(uid))) {
      for (const name of await names(join(paths.volumes(uid), plugin))) {
        const directory = join(paths.volumes(uid), plugin, name);
        if (plugin === 'kubernetes.io~csi') {
          await csi.unmount(uid, directory, (handle) => this.#usedElsewhere(uid, handle), signal);
        } else {
          for (const each of await mounter.below(directory)) await mounter.unmount(each, signal);
          await rm(directory, { recursive: true, force: true });
        }
      }
    }
    const left = await mounter.below(paths.pod(uid));
    // Removing across a mount point would delete what is mounted.
    if (left.length > 0) throw new Error(`still mounted below the directory of pod ${uid}: ${left.join(', ')}`);
    await rm(paths.pod(uid), { recursive: true, force: true });
  }

  /** Pods that have a directory here. */
  async podsOnDisk(): Promise<readonly string[]> {
    return names(this.#options.paths.pods);
  }

  async #setUp(pod: Pod, volume: Volume, sources: ContentSources, signal: AbortSignal): Promise<MountedVolume> {
    const { paths, csi } = this.#options;
    const uid = pod.metadata.uid ?? '';
    if (volume.hostPath) {
      await prepareHostPath(volume.hostPath);
      return { hostPath: volume.hostPath.path, readOnly: false, block: false };
    }
    if (volume.emptyDir) return this.#emptyDir(pod, volume, signal);
    const content = contentPlugin(volume);
    if (content) {
      const hostPath = paths.volume(uid, content, volume.name);
      const payload = await volumeContent(pod, volume, sources, signal);
      const gid = this.#options.asRoot ? pod.spec.securityContext?.fsGroup : undefined;
      await writeAtomically(hostPath, payload, this.#nextStamp(), gid === undefined ? {} : { gid });
      return { hostPath, readOnly: true, block: false };
    }
    const claim = volume.persistentVolumeClaim;
    const claimName = claim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    if (claimName !== undefined || volume.csi) {
      const mount =
        claimName === undefined
          ? await csi.mountInline(pod, volume, signal)
          : await csi.mountClaim(pod, claimName, claim?.readOnly === true, signal);
      await this.#own(pod, mount.path, mount.ownership && !mount.block, mount.readOnly);
      return { hostPath: mount.path, readOnly: mount.readOnly, block: mount.block };
    }
    throw new Error('no volume plugin matched');
  }

  async #emptyDir(pod: Pod, volume: Volume, signal: AbortSignal): Promise<MountedVolume> {
    const { paths, mounter } = this.#options;
    const hostPath = paths.volume(pod.metadata.uid ?? '', 'empty-dir', volume.name);
    const fresh = !(await exists(hostPath));
    await mkdir(hostPath, { recursive: true });
    const inMemory = volume.emptyDir?.medium === 'Memory' && mounter.available;
    if (inMemory && !(await mounter.below(hostPath)).includes(hostPath)) {
      const limit = volume.emptyDir?.sizeLimit;
      await mounter.tmpfs(hostPath, limit === undefined ? undefined : wholeValue(limit), signal);
    }
    if (fresh) {
      await chmod(hostPath, 0o777);
      await this.#own(pod, hostPath, true, false);
    }
    return { hostPath, readOnly: false, block: false };
  }

  async #own(pod: Pod, path: string, ownership: boolean, readOnly: boolean): Promise<void> {
    const { fsGroup, fsGroupChangePolicy } = pod.spec.securityContext ?? {};
    if (fsGroup === undefined || !ownership || readOnly || !this.#options.asRoot) return;
    await applyFsGroup(path, fsGroup, { readOnly, ...(fsGroupChangePolicy && { policy: fsGroupChangePolicy }) });
  }

  async #usedElsewhere(uid: string, handle: string): Promise<boolean> {
    const { paths, csi } = this.#options;
    for (const other of await names(paths.pods)) {
      if (other === uid) continue;
      const root = join(paths.volumes(other), 'kubernetes.io~csi');
      for (const name of await names(root)) {
        if ((await csi.readData(join(root, name)))?.volumeHandle === handle) return true;
      }
    }
    return false;
  }

  /** A name no payload directory had before: the time, and a number for those of the same millisecond. */
  #nextStamp(): string {
    const time = new Date(this.#options.clock.now()).toISOString().slice(0, 19).replace(/[-:T]/g, '_');
    this.#stamp += 1;
    return `${time}.${process.pid}${String(this.#stamp).padStart(6, '0')}`;
  }
}

/** Volumes that a container mounts or uses as a device; the others are left alone. */
function usedVolumes(pod: Pod): ReadonlySet<string> {
  return new Set(
    allContainers(pod).flatMap(({ container }) => [
      ...(container.volumeMounts ?? []).map((each) => each.name),
      ...(container.volumeDevices ?? []).map((each) => each.name),
    ]),
  );
}

async function names(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
