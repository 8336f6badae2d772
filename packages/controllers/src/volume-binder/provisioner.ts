import {
  type Client,
  CSINode,
  type EventRecorder,
  type Informer,
  type Informers,
  isStatusError,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  type StorageClass,
  wellKnown,
} from '@keelson/core';
import type { Controller, Identity, Topology } from '@keelson/core/csi';
import { annotations } from './binding-state.ts';
import { createVolumeRequest, provisionedVolume, provisionerFinalizer, volumeNameFor } from './provisioned-volume.ts';

/** As much of a CSI driver as volumes are made with. */
export interface VolumeDriver {
  readonly controller: Pick<Controller, 'createVolume' | 'deleteVolume'>;
  readonly identity: Pick<Identity, 'getPluginCapabilities'>;
}

/** What `CsiControllers` is asked for. */
export interface VolumeDrivers {
  get(driverName: string): VolumeDriver | undefined;
}

/** Creates and deletes volumes by CSI drivers. Each step can be repeated: names follow from the claim's uid. */
export class Provisioner {
  private readonly client: Client;
  private readonly drivers: VolumeDrivers;
  private readonly recorder: EventRecorder;
  private readonly volumes: Informer<PersistentVolume>;
  private readonly nodes: Informer<Node>;
  private readonly csiNodes: Informer<CSINode>;

  constructor(client: Client, informers: Informers, drivers: VolumeDrivers, recorder: EventRecorder) {
    this.client = client;
    this.drivers = drivers;
    this.recorder = recorder;
    this.volumes = informers.for(PersistentVolume);
    this.nodes = informers.for(Node);
    this.csiNodes = informers.for(CSINode);
  }

  /** Brings a volume for the claim into being, reserved for it; whoever follows volumes then binds it. */
  async provision(claim: PersistentVolumeClaim, storageClass: StorageClass, signal: AbortSignal): Promise<void> {
    const { provisioner } = storageClass;
    const event = (kind: 'Normal' | 'Warning', reason: string, message: string) =>
      this.recorder.event(PersistentVolumeClaim, claim, kind, reason, message);
    if (provisioner.startsWith('kubernetes.io/')) {
      event('Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`);
      return;
    }
    const known = claim.metadata.annotations ?? {};
    if (known[wellKnown.storageProvisioner] !== provisioner) {
      const marked = {
        ...known,
        [annotations.betaStorageProvisioner]: provisioner,
        [wellKnown.storageProvisioner]: provisioner,
      };
      const metadata = { ...claim.metadata, annotations: marked };
      claim = await this.client.update(PersistentVolumeClaim, { ...claim, metadata }, { signal });
    }
    if (this.volumes.lister.get(volumeNameFor(claim))) return;
    event(
      'Normal',
      'ExternalProvisioning',
      `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
    );
    const driver = this.drivers.get(provisioner);
    if (!driver) return;
    const speaking = this.recorder.as(provisioner);
    const key = `${claim.metadata.namespace}/${claim.metadata.name}`;
    speaking.event(
      PersistentVolumeClaim,
      claim,
      'Normal',
      'Provisioning',
      `External provisioner is provisioning volume for claim "${key}"`,
    );
    try {
      const topology = await this.topology(driver, claim, storageClass, signal);
      const { volume } = await driver.controller.createVolume(
        createVolumeRequest(claim, storageClass, topology),
        signal,
      );
      if (!volume?.volumeId) throw new Error('the driver created a volume without an id');
      await this.client.create(PersistentVolume, provisionedVolume(claim, storageClass, volume), { signal });
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) return;
      const why = error instanceof Error ? error.message : String(error);
      const message = `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${why}`;
      speaking.event(PersistentVolumeClaim, claim, 'Warning', 'ProvisioningFailed', message);
      throw error;
    }
    const message = `Successfully provisioned volume ${volumeNameFor(claim)}`;
    speaking.event(PersistentVolumeClaim, claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  /** Whether the volume was (and is now no more) one of ours to delete. */
  async remove(volume: PersistentVolume, signal: AbortSignal): Promise<boolean> {
    const csi = volume.spec?.csi;
    const driver = csi && this.drivers.get(csi.driver);
    if (!csi || !driver) return false;
    try {
      await driver.controller.deleteVolume({ volumeId: csi.volumeHandle }, signal);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.recorder.as(csi.driver).event(PersistentVolume, volume, 'Warning', 'VolumeFailedDelete', why);
      throw error;
    }
    await this.forget(volume, signal);
    return true;
  }

  private async forget(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    try {
      if (volume.metadata.deletionTimestamp === undefined) {
        await this.client.delete(PersistentVolume, volume.metadata, {
          preconditions: { uid: volume.metadata.uid },
          signal,
        });
      }
      const latest = await this.client.get(PersistentVolume, volume.metadata, { signal });
      const finalizers = latest.metadata.finalizers?.filter((each) => each !== provisionerFinalizer);
      if (latest.metadata.uid !== volume.metadata.uid || finalizers?.length === latest.metadata.finalizers?.length)
        return;
      await this.client.update(
        PersistentVolume,
        { ...latest, metadata: { ...latest.metadata, finalizers } },
        { signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  /** Where the volume may be: the node that the scheduler chose, or any node with the driver; undefined if the driver is everywhere. */
  private async topology(
    driver: VolumeDriver,
    claim: PersistentVolumeClaim,
    storageClass: StorageClass,
    signal: AbortSignal,
  ): Promise<readonly Topology[] | undefined> {
    const { capabilities = [] } = await driver.identity.getPluginCapabilities({}, signal);
    if (!capabilities.some((each) => each.service?.type === 'VOLUME_ACCESSIBILITY_CONSTRAINTS')) return undefined;
    const selected = claim.metadata.annotations?.[wellKnown.selectedNode];
    const names = selected ? [selected] : this.csiNodes.lister.list().map((each) => each.metadata.name);
    const topologies = new Map<string, Topology>();
    for (const name of names) {
      const keys = this.csiNodes.lister
        .get(name)
        ?.spec.drivers.find((each) => each.name === storageClass.provisioner)?.topologyKeys;
      const labels = this.nodes.lister.get(name)?.metadata.labels ?? {};
      const segments = Object.fromEntries(
        (keys ?? []).flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])),
      );
      if (Object.keys(segments).length > 0) topologies.set(JSON.stringify(segments), { segments });
    }
    if (topologies.size > 0) return [...topologies.values()];
    if (selected)
      throw new Error(`node ${selected} does not report a topology for driver ${storageClass.provisioner} yet`);
    return undefined;
  }
}
