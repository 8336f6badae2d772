import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Container, Pod, VolumeMount } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';
import { expand } from '../environment/expand.ts';
import type { Mounter } from './mounts.ts';
import { resolveSubPath } from './sub-path.ts';
import type { MountedVolumes } from './volume-manager.ts';
import type { VolumePaths } from './volume-paths.ts';

export interface ContainerMountsInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly volumes: MountedVolumes;
  readonly environment: ReadonlyMap<string, string>;
  readonly paths: VolumePaths;
  readonly mounter: Mounter;
  /** The pod's `/etc/hosts` on the host; absent where containers see the host's own files. */
  readonly hostsFile: string | undefined;
  readonly restartCount: number;
}

/** Everything that is mounted into a container, and the devices it gets. Rejects with the message of a `CreateContainerConfigError`. */
export async function containerMounts(
  input: ContainerMountsInput,
  signal: AbortSignal,
): Promise<{ readonly mounts: readonly cri.Mount[]; readonly devices: readonly cri.Device[] }> {
  const { container } = input;
  const mounts: cri.Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    mounts.push(await volumeMount(input, mount, index, signal));
  }
  const covered = (path: string) => mounts.some((each) => each.containerPath === path);
  if (input.hostsFile !== undefined && !covered('/etc/hosts')) {
    mounts.push({ containerPath: '/etc/hosts', hostPath: input.hostsFile, readonly: false });
  }
  const message = container.terminationMessagePath;
  if (message && !covered(message))
    mounts.push({ containerPath: message, hostPath: await terminationLog(input), readonly: false });
  const devices = (container.volumeDevices ?? []).map((each) => {
    const volume = input.volumes.get(each.name);
    if (!volume) throw new Error(`cannot find volume "${each.name}" to pass into container "${container.name}"`);
    return { hostPath: volume.hostPath, containerPath: each.devicePath, permissions: volume.readOnly ? 'r' : 'mrw' };
  });
  return { mounts, devices };
}

async function volumeMount(
  input: ContainerMountsInput,
  mount: VolumeMount,
  index: number,
  signal: AbortSignal,
): Promise<cri.Mount> {
  const { pod, container, volumes, paths, mounter } = input;
  const volume = volumes.get(mount.name);
  if (!volume) throw new Error(`cannot find volume "${mount.name}" to mount into container "${container.name}"`);
  const subPath = subPathOf(mount, input.environment);
  let hostPath = volume.hostPath;
  if (subPath !== '') {
    const pinned = join(paths.subPaths(pod.metadata.uid ?? ''), mount.name, container.name, String(index));
    hostPath = await resolveSubPath({ volume: volume.hostPath, subPath, pinned }, mounter, signal);
  }
  const readonly = mount.readOnly === true || volume.readOnly;
  return {
    containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    hostPath,
    readonly,
    propagation: propagation(mount.mountPropagation),
    recursiveReadOnly: readonly && mount.recursiveReadOnly === 'Enabled',
  };
}

function subPathOf(mount: VolumeMount, environment: ReadonlyMap<string, string>): string {
  if (!mount.subPathExpr) return mount.subPath ?? '';
  const missing: string[] = [];
  const path = expand(mount.subPathExpr, (name) => {
    const value = environment.get(name);
    if (value === undefined) missing.push(name);
    return value;
  });
  if (missing.length > 0) throw new Error(`missing value for "${missing[0]}"`);
  if (path.startsWith('/')) throw new Error(`error SubPath \`${path}\` must not be an absolute path`);
  if (path.split('/').includes('..')) throw new Error(`unable to provision SubPath \`${path}\`: must not contain '..'`);
  return path;
}

function propagation(mode: string | undefined): cri.MountPropagation {
  if (mode === 'Bidirectional') return 'PROPAGATION_BIDIRECTIONAL';
  return mode === 'HostToContainer' ? 'PROPAGATION_HOST_TO_CONTAINER' : 'PROPAGATION_PRIVATE';
}

/** A file of its own for each run, writable for whatever user the container has. */
async function terminationLog({ pod, container, paths, restartCount }: ContainerMountsInput): Promise<string> {
  const file = join(paths.container(pod.metadata.uid ?? '', container.name), String(restartCount));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '', { mode: 0o666 });
  await chmod(file, 0o666);
  return file;
}
