import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  CSIDriver,
  PersistentVolume,
  PersistentVolumeClaim,
  type Pod,
  type SecretReference,
  type Volume,
  VolumeAttachment,
} from '@keelson/core/api';
import type { Client } from '@keelson/core/client';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import type {
  CsiDriver,
  NodeServiceCapabilityRPCType,
  VolumeCapability,
  VolumeCapabilityAccessModeMode,
} from '@keelson/core/csi';
import { isStatusError } from '@keelson/core/machinery';
import { z } from 'zod';
import type { ReferencedObjects } from '../environment/container-environment.ts';
import { hasErrorCode } from '../errors.ts';
import type { VolumePaths } from './volume-paths.ts';

/** What `vol_data.json` keeps beside a mount, so that a kubelet that starts anew can undo it. */
const volumeData = z.object({
  specVolID: z.string(),
  driverName: z.string(),
  volumeHandle: z.string(),
  nodeName: z.string().optional(),
  volumeLifecycleMode: z.enum(['Persistent', 'Ephemeral']),
  staged: z.boolean(),
  block: z.boolean(),
});
type VolumeData = z.infer<typeof volumeData>;

export interface CsiMount {
  readonly path: string;
  readonly readOnly: boolean;
  /** A raw device instead of a directory. */
  readonly block: boolean;
  /** Whether the kubelet hands the volume to the pod's fsGroup. */
  readonly ownership: boolean;
}

export interface CsiVolumesOptions {
  readonly nodeName: string;
  readonly client: Client;
  readonly objects: ReferencedObjects;
  readonly drivers: ReadonlyMap<string, CsiDriver>;
  readonly paths: VolumePaths;
}

/**
 * Stages and publishes CSI volumes for pods (CSI 1.12, "Node Service RPC"): staged once on a node, published once a pod,
 * and undone in the reverse order. Every call may be repeated.
 */
export class CsiVolumes {
  readonly #options: CsiVolumesOptions;
  readonly #capabilities = new Map<string, ReadonlySet<NodeServiceCapabilityRPCType>>();
  readonly #staging = new Map<string, Promise<unknown>>();

  constructor(options: CsiVolumesOptions) {
    this.#options = options;
  }

  async mountClaim(pod: Pod, claimName: string, readOnly: boolean, signal: AbortSignal): Promise<CsiMount> {
    const { client } = this.#options;
    const namespace = pod.metadata.namespace ?? '';
    const claim = await client.get(PersistentVolumeClaim, { name: claimName, namespace }, { signal });
    if (claim.status?.phase !== 'Bound' || !claim.spec.volumeName) {
      throw new Error(`persistentvolumeclaim "${claimName}" is not bound`);
    }
    const pv = await client.get(PersistentVolume, { name: claim.spec.volumeName }, { signal });
    const source = pv.spec.csi;
    const host = pv.spec.hostPath ?? pv.spec.local;
    if (host)
      return {
        path: host.path,
        readOnly,
        block: pv.spec.volumeMode === 'Block',
        ownership: pv.spec.local !== undefined,
      };
    if (source === undefined)
      throw new Error(
        `volume "${pv.metadata.name}" of claim "${claimName}" is of a kind that this kubelet cannot mount`,
      );
    const block = pv.spec.volumeMode === 'Block';
    const definition = await this.#definition(source.driver, signal);
    const publishContext =
      definition && definition.spec.attachRequired !== false
        ? await this.#attachment(source.driver, source.volumeHandle, signal)
        : {};
    const ro = readOnly || source.readOnly === true;
    const capability = volumeCapability(pv, claim.spec.accessModes ?? pv.spec.accessModes ?? [], block);
    const data: VolumeData = {
      specVolID: pv.metadata.name,
      driverName: source.driver,
      volumeHandle: source.volumeHandle,
      nodeName: this.#options.nodeName,
      volumeLifecycleMode: 'Persistent',
      staged: await this.#can(source.driver, 'STAGE_UNSTAGE_VOLUME', signal),
      block,
    };
    const context = { ...source.volumeAttributes, ...podInfo(pod, definition, 'false') };
    if (data.staged) {
      const secrets = await this.#secrets(source.nodeStageSecretRef, signal);
      await this.#stage(data, { publishContext, capability, secrets, context: source.volumeAttributes ?? {} }, signal);
    }
    const secrets = await this.#secrets(source.nodePublishSecretRef, signal);
    const path = await this.#publish(pod, data, { publishContext, capability, secrets, context, readOnly: ro }, signal);
    const policy = definition?.spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
    const once = (pv.spec.accessModes ?? []).includes('ReadWriteOnce') && Boolean(source.fsType);
    return { path, readOnly: ro, block, ownership: policy === 'File' || (policy !== 'None' && once) };
  }

  /** A CSI volume that is written in the pod itself and lives as long as it. */
  async mountInline(pod: Pod, volume: Volume, signal: AbortSignal): Promise<CsiMount> {
    const source = volume.csi;
    if (!source) throw new Error(`volume "${volume.name}" is no CSI volume`);
    const definition = await this.#definition(source.driver, signal);
    if (!(definition?.spec.volumeLifecycleModes ?? []).includes('Ephemeral')) {
      throw new Error(
        `volume mode "Ephemeral" not supported by driver ${source.driver} (no CSIDriver object or it does not list it)`,
      );
    }
    const handle = `csi-${createHash('sha256').update(`${pod.metadata.uid}${volume.name}`).digest('hex')}`;
    const data: VolumeData = {
      specVolID: volume.name,
      driverName: source.driver,
      volumeHandle: handle,
      volumeLifecycleMode: 'Ephemeral',
      staged: false,
      block: false,
    };
    const capability: VolumeCapability = {
      mount: { fsType: source.fsType ?? '' },
      accessMode: { mode: 'SINGLE_NODE_WRITER' },
    };
    const ref = source.nodePublishSecretRef && {
      name: source.nodePublishSecretRef.name,
      namespace: pod.metadata.namespace,
    };
    const secrets = await this.#secrets(ref, signal);
    const context = { ...source.volumeAttributes, ...podInfo(pod, definition, 'true') };
    const readOnly = source.readOnly === true;
    const path = await this.#publish(pod, data, { publishContext: {}, capability, secrets, context, readOnly }, signal);
    return { path, readOnly, block: false, ownership: definition?.spec.fsGroupPolicy === 'File' };
  }

  /** Undoes what `vol_data.json` in a pod's volume directory says; unstages when no other pod uses the volume. */
  async unmount(
    uid: string,
    directory: string,
    stillUsed: (handle: string) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<void> {
    const data = await this.readData(directory);
    if (data === undefined) {
      await rm(directory, { recursive: true, force: true });
      return;
    }
    const driver = this.#driver(data.driverName);
    const targetPath = data.block ? this.#options.paths.csiBlockPublish(data.specVolID, uid) : join(directory, 'mount');
    await goneIsFine(driver.node.nodeUnpublishVolume({ volumeId: data.volumeHandle, targetPath }, signal));
    await rm(directory, { recursive: true, force: true });
    if (data.staged && !(await stillUsed(data.volumeHandle))) {
      const stagingTargetPath = this.#stagingPath(data);
      await this.#serial(data.volumeHandle, async () => {
        await goneIsFine(driver.node.nodeUnstageVolume({ volumeId: data.volumeHandle, stagingTargetPath }, signal));
        await rm(data.block ? stagingTargetPath : dirname(stagingTargetPath), { recursive: true, force: true });
      });
    }
  }

  async readData(directory: string): Promise<VolumeData | undefined> {
    try {
      return volumeData.parse(JSON.parse(await readFile(join(directory, 'vol_data.json'), 'utf8')));
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  async #stage(
    data: VolumeData,
    request: {
      publishContext: Readonly<Record<string, string>>;
      capability: VolumeCapability;
      secrets: Readonly<Record<string, string>>;
      context: Readonly<Record<string, string>>;
    },
    signal: AbortSignal,
  ): Promise<void> {
    const stagingTargetPath = this.#stagingPath(data);
    await this.#serial(data.volumeHandle, async () => {
      await mkdir(stagingTargetPath, { recursive: true, mode: 0o750 });
      await this.#driver(data.driverName).node.nodeStageVolume(
        {
          volumeId: data.volumeHandle,
          publishContext: request.publishContext,
          stagingTargetPath,
          volumeCapability: request.capability,
          secrets: request.secrets,
          volumeContext: request.context,
        },
        signal,
      );
    });
  }

  async #publish(
    pod: Pod,
    data: VolumeData,
    request: {
      publishContext: Readonly<Record<string, string>>;
      capability: VolumeCapability;
      secrets: Readonly<Record<string, string>>;
      context: Readonly<Record<string, string>>;
      readOnly: boolean;
    },
    signal: AbortSignal,
  ): Promise<string> {
    const uid = pod.metadata.uid ?? '';
    const directory = this.#options.paths.volume(uid, 'csi', data.specVolID);
    const targetPath = data.block ? this.#options.paths.csiBlockPublish(data.specVolID, uid) : join(directory, 'mount');
    await mkdir(directory, { recursive: true, mode: 0o750 });
    await mkdir(dirname(targetPath), { recursive: true, mode: 0o750 });
    await writeFile(join(directory, 'vol_data.json'), JSON.stringify(data));
    await this.#driver(data.driverName).node.nodePublishVolume(
      {
        volumeId: data.volumeHandle,
        publishContext: request.publishContext,
        ...(data.staged && { stagingTargetPath: this.#stagingPath(data) }),
        targetPath,
        volumeCapability: request.capability,
        readonly: request.readOnly,
        secrets: request.secrets,
        volumeContext: request.context,
      },
      signal,
    );
    return targetPath;
  }

  #stagingPath(data: VolumeData): string {
    const { paths } = this.#options;
    return data.block ? paths.csiBlockStaging(data.specVolID) : paths.csiStaging(data.driverName, data.volumeHandle);
  }

  /** Stage and unstage of one volume never overlap. */
  async #serial(handle: string, work: () => Promise<void>): Promise<void> {
    const before = this.#staging.get(handle);
    const mine = (before ?? Promise.resolve()).then(work, work);
    this.#staging.set(handle, mine);
    try {
      await mine;
    } finally {
      if (this.#staging.get(handle) === mine) this.#staging.delete(handle);
    }
  }

  #driver(name: string): CsiDriver {
    const driver = this.#options.drivers.get(name);
    if (driver === undefined) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return driver;
  }

  async #can(driverName: string, capability: NodeServiceCapabilityRPCType, signal: AbortSignal): Promise<boolean> {
    let known = this.#capabilities.get(driverName);
    if (known === undefined) {
      const { capabilities = [] } = await this.#driver(driverName).node.nodeGetCapabilities({}, signal);
      known = new Set(capabilities.map((each) => each.rpc?.type ?? 'UNKNOWN'));
      this.#capabilities.set(driverName, known);
    }
    return known.has(capability);
  }

  async #definition(driverName: string, signal: AbortSignal): Promise<CSIDriver | undefined> {
    try {
      return await this.#options.client.get(CSIDriver, { name: driverName }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #attachment(
    driverName: string,
    handle: string,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const hash = createHash('sha256').update(`${handle}${driverName}${this.#options.nodeName}`).digest('hex');
    const attachment = await this.#options.client.get(VolumeAttachment, { name: `csi-${hash}` }, { signal });
    if (attachment.status?.attached !== true) throw new Error(`volume attachment "csi-${hash}" is not attached yet`);
    return attachment.status.attachmentMetadata ?? {};
  }

  async #secrets(ref: SecretReference | undefined, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    if (!ref?.name) return {};
    const secret = await this.#options.objects.secret(ref.namespace ?? '', ref.name, signal);
    return Object.fromEntries(
      Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
    );
  }
}

function podInfo(
  pod: Pod,
  definition: CSIDriver | undefined,
  ephemeral: 'true' | 'false',
): Readonly<Record<string, string>> {
  if (definition?.spec.podInfoOnMount !== true) return {};
  return {
    'csi.storage.k8s.io/pod.name': pod.metadata.name,
    'csi.storage.k8s.io/pod.namespace': pod.metadata.namespace ?? '',
    'csi.storage.k8s.io/pod.uid': pod.metadata.uid ?? '',
    'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': ephemeral,
  };
}

function volumeCapability(pv: PersistentVolume, accessModes: readonly string[], block: boolean): VolumeCapability {
  const mode = accessMode(accessModes);
  if (block) return { block: {}, accessMode: { mode } };
  return {
    mount: { fsType: pv.spec.csi?.fsType ?? '', mountFlags: pv.spec.mountOptions ?? [] },
    accessMode: { mode },
  };
}

function accessMode(modes: readonly string[]): VolumeCapabilityAccessModeMode {
  if (modes.includes('ReadWriteMany')) return 'MULTI_NODE_MULTI_WRITER';
  if (modes.includes('ReadOnlyMany') && modes.includes('ReadWriteOnce')) return 'MULTI_NODE_SINGLE_WRITER';
  if (modes.includes('ReadOnlyMany')) return 'MULTI_NODE_READER_ONLY';
  return 'SINGLE_NODE_WRITER';
}

async function goneIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof GrpcError && error.code === grpcCode.notFound)) throw error;
  }
}
