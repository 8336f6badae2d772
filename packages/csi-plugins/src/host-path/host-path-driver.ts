import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import type { Controller, CsiDriver, Identity, Node, VolumeCapability } from '@keelson/core/csi';
import type { Mounts } from './mounts.ts';
import type { VolumeRecord, VolumeStore } from './volume-store.ts';

/** What StorageClasses call it. */
export const hostPathDriverName = 'host-path.csi.keelson.dev';
const version = '0.1.0';
const topologyKey = `topology.${hostPathDriverName}/host`;

/** What the driver of volumes in folders of this machine works with. */
export interface HostPathDriverOptions {
  readonly store: VolumeStore;
  readonly mounts: Mounts;
  /** The node whose node service this is. */
  readonly nodeName: string;
  /** What volumes can be reached from; default: this machine. */
  readonly host?: string;
}

/**
 * A CSI 1.12 driver whose volumes are directories of this machine. Capacity is recorded, not enforced. Every call may be
 * repeated; errors are `GrpcError` with the codes of the specification.
 */
export function createHostPathDriver({ store, mounts, nodeName, host = hostname() }: HostPathDriverOptions): CsiDriver {
  const topology = { segments: { [topologyKey]: host } };
  const toVolume = (record: VolumeRecord) => ({
    volumeId: record.id,
    capacityBytes: record.capacityBytes,
    volumeContext: {},
    accessibleTopology: [topology],
  });

  const identity: Identity = {
    getPluginInfo: async () => ({ name: hostPathDriverName, vendorVersion: version }),
    getPluginCapabilities: async () => ({
      capabilities: [
        { service: { type: 'CONTROLLER_SERVICE' } },
        { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
        { volumeExpansion: { type: 'ONLINE' } },
      ],
    }),
    probe: async () => ({ ready: { value: true } }),
  };

  const unimplemented = (what: string) => async (): Promise<never> => {
    throw new GrpcError(grpcCode.unimplemented, `${hostPathDriverName} has no ${what}`);
  };

  const controller: Controller = {
    async createVolume(request) {
      const name = required(request.name, 'name');
      checkCapabilities(request.volumeCapabilities);
      if (request.volumeContentSource)
        throw new GrpcError(grpcCode.invalidArgument, 'volume_content_source: this driver neither clones nor restores');
      const range = request.capacityRange;
      return { volume: toVolume(await store.create(name, range?.requiredBytes ?? 0, range?.limitBytes ?? 0)) };
    },
    async deleteVolume(request) {
      await store.delete(required(request.volumeId, 'volume_id'));
      return {};
    },
    async validateVolumeCapabilities(request) {
      const id = required(request.volumeId, 'volume_id');
      if (!request.volumeCapabilities?.length)
        throw new GrpcError(grpcCode.invalidArgument, 'volume_capabilities is required');
      await store.get(id);
      const problem = unsupported(request.volumeCapabilities);
      return problem
        ? { message: problem }
        : {
            confirmed: {
              volumeCapabilities: request.volumeCapabilities,
              volumeContext: request.volumeContext,
              parameters: request.parameters,
            },
          };
    },
    async listVolumes(request) {
      const all = await store.list();
      const start = request.startingToken ? Number(request.startingToken) : 0;
      if (!Number.isInteger(start) || start < 0 || start > all.length)
        throw new GrpcError(grpcCode.aborted, `starting_token ${request.startingToken} is not one of ours`);
      const end = request.maxEntries ? Math.min(all.length, start + request.maxEntries) : all.length;
      return {
        entries: all.slice(start, end).map((each) => ({ volume: toVolume(each) })),
        nextToken: end < all.length ? String(end) : '',
      };
    },
    getCapacity: async () => ({ availableCapacity: await store.available() }),
    controllerGetCapabilities: async () => ({
      capabilities: (['CREATE_DELETE_VOLUME', 'LIST_VOLUMES', 'GET_CAPACITY', 'EXPAND_VOLUME'] as const).map(
        (type) => ({ rpc: { type } }),
      ),
    }),
    async controllerExpandVolume(request) {
      const id = required(request.volumeId, 'volume_id');
      if (!request.capacityRange) throw new GrpcError(grpcCode.invalidArgument, 'capacity_range is required');
      const record = await store.resize(id, request.capacityRange.requiredBytes ?? 0);
      return { capacityBytes: record.capacityBytes, nodeExpansionRequired: false };
    },
    controllerPublishVolume: unimplemented('PUBLISH_UNPUBLISH_VOLUME'),
    controllerUnpublishVolume: unimplemented('PUBLISH_UNPUBLISH_VOLUME'),
    createSnapshot: unimplemented('CREATE_DELETE_SNAPSHOT'),
    deleteSnapshot: unimplemented('CREATE_DELETE_SNAPSHOT'),
    listSnapshots: unimplemented('LIST_SNAPSHOTS'),
    getSnapshot: unimplemented('GET_SNAPSHOT'),
    controllerGetVolume: unimplemented('GET_VOLUME'),
    controllerModifyVolume: unimplemented('MODIFY_VOLUME'),
  };

  const node: Node = {
    async nodePublishVolume(request) {
      const id = required(request.volumeId, 'volume_id');
      const target = required(request.targetPath, 'target_path');
      if (!request.volumeCapability) throw new GrpcError(grpcCode.invalidArgument, 'volume_capability is required');
      checkCapabilities([request.volumeCapability]);
      await store.get(id);
      await mounts.publish(store.dataPath(id), target, request.readonly ?? false);
      return {};
    },
    async nodeUnpublishVolume(request) {
      const id = required(request.volumeId, 'volume_id');
      const target = required(request.targetPath, 'target_path');
      await store.get(id);
      await mounts.unpublish(target);
      return {};
    },
    async nodeGetVolumeStats(request) {
      const id = required(request.volumeId, 'volume_id');
      const path = required(request.volumePath, 'volume_path');
      await store.get(id);
      try {
        const { blocks, bavail, bfree, bsize, files, ffree } = await statfs(path);
        return {
          usage: [
            { unit: 'BYTES', total: blocks * bsize, available: bavail * bsize, used: (blocks - bfree) * bsize },
            { unit: 'INODES', total: files, available: ffree, used: files - ffree },
          ],
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT')
          throw new GrpcError(grpcCode.notFound, `${path} does not exist`);
        throw error;
      }
    },
    nodeGetCapabilities: async () => ({ capabilities: [{ rpc: { type: 'GET_VOLUME_STATS' } }] }),
    nodeGetInfo: async () => ({ nodeId: nodeName, accessibleTopology: topology }),
    nodeStageVolume: unimplemented('STAGE_UNSTAGE_VOLUME'),
    nodeUnstageVolume: unimplemented('STAGE_UNSTAGE_VOLUME'),
    nodeExpandVolume: unimplemented('EXPAND_VOLUME on nodes'),
  };

  return { identity, controller, node, close: async () => undefined };
}

function required(value: string | undefined, field: string): string {
  if (!value) throw new GrpcError(grpcCode.invalidArgument, `${field} is required`);
  return value;
}

function checkCapabilities(capabilities: readonly VolumeCapability[] | undefined): void {
  if (!capabilities?.length) throw new GrpcError(grpcCode.invalidArgument, 'volume_capabilities is required');
  const problem = unsupported(capabilities);
  if (problem) throw new GrpcError(grpcCode.invalidArgument, problem);
}

function unsupported(capabilities: readonly VolumeCapability[]): string | undefined {
  return capabilities.some((each) => each.block)
    ? 'block volumes are not supported: host-path volumes are directories'
    : undefined;
}
