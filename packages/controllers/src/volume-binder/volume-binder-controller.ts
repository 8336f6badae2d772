import {
  type Client,
  type Controller,
  type EventRecorder,
  type Informer,
  type Informers,
  isStatusError,
  keyOf,
  type ObjectKey,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  type ReconcileContext,
  StorageClass,
  semanticEqual,
  watch,
  wellKnown,
} from '@keelson/core';
import {
  annotations,
  claimOfVolume,
  claimsOfPod,
  isBindCompleted,
  isReservedFor,
  podsByClaim,
  volumesByClaim,
} from './binding-state.ts';
import { matchVolume } from './match-volume.ts';
import { provisionerFinalizer } from './provisioned-volume.ts';
import { Provisioner, type VolumeDrivers } from './provisioner.ts';

/** Brings claims and volumes together. Keys are `claim <key>` and `volume <name>`. */
export class VolumeBinderController implements Controller {
  readonly name = 'volume-binder';
  readonly watches;
  private readonly client: Client;
  private readonly recorder: EventRecorder;
  private readonly provisioner: Provisioner;
  private readonly claims: Informer<PersistentVolumeClaim>;
  private readonly volumes: Informer<PersistentVolume>;
  private readonly classes: Informer<StorageClass>;
  private readonly pods: Informer<Pod>;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, drivers: VolumeDrivers) {
    this.client = client;
    this.recorder = recorder.as('persistentvolume-controller');
    this.provisioner = new Provisioner(client, informers, drivers, this.recorder);
    this.claims = informers.for(PersistentVolumeClaim);
    this.volumes = informers.for(PersistentVolume);
    this.classes = informers.for(StorageClass);
    this.pods = informers.for(Pod);
    this.volumes.addIndex(volumesByClaim, claimOfVolume);
    this.pods.addIndex(podsByClaim, claimsOfPod);
    const pending = () =>
      this.claims.lister
        .list()
        .filter((claim) => !isBindCompleted(claim))
        .map((claim) => `claim ${keyOf(claim)}`);
    this.watches = [
      watch(this.claims).map((claim) => [
        `claim ${keyOf(claim)}`,
        ...this.volumes.lister.by(volumesByClaim, keyOf(claim)).map((volume) => `volume ${volume.metadata.name}`),
      ]),
      watch(this.volumes).map((volume) => [
        `volume ${volume.metadata.name}`,
        ...claimOfVolume(volume).map((key) => `claim ${key}`),
      ]),
      // A volume that has become free, or a class that has come, is what pending claims wait for.
      watch(this.volumes)
        .filter((volume) => volume.status?.phase === 'Available')
        .map(pending),
      watch(this.classes).map(pending),
      watch(this.pods)
        .filter((_, event) => event.type !== 'updated')
        .map((pod) => claimsOfPod(pod).map((key) => `claim ${key}`)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    if (key.startsWith('claim ')) {
      const claim = this.claims.lister.get(key.slice('claim '.length));
      if (!claim) return;
      if (isBindCompleted(claim)) await this.checkBound(claim, signal);
      else await this.bindOrProvision(claim, signal);
    } else {
      const volume = this.volumes.lister.get(key.slice('volume '.length));
      if (volume) await this.followVolume(volume, signal);
    }
  }

  private async bindOrProvision(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    if (claim.metadata.deletionTimestamp !== undefined) return;
    const named = claim.spec?.volumeName;
    if (named) {
      const volume = this.volumes.lister.get(named);
      if (volume && (!volume.spec?.claimRef || isReservedFor(volume, claim))) {
        await this.bind(claim, volume, signal);
        return;
      }
      if (volume) this.say(claim, 'Warning', 'FailedBinding', `volume "${named}" already bound to a different claim.`);
      await this.setClaimPhase(claim, 'Pending', signal);
      return;
    }
    const storageClass = this.classes.lister.get(claim.spec?.storageClassName ?? '');
    const delayed =
      storageClass?.volumeBindingMode === 'WaitForFirstConsumer' &&
      claim.metadata.annotations?.[wellKnown.selectedNode] === undefined;
    // With delayed binding only the scheduler reserves volumes: it alone knows which nodes reach them.
    const delays = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
    const volume = matchVolume(claim, this.volumes.lister.list(), () => !delays);
    if (volume) {
      await this.bind(claim, volume, signal);
      return;
    }
    await this.setClaimPhase(claim, 'Pending', signal);
    if (delayed) this.say(claim, 'Normal', 'WaitForFirstConsumer', this.whatIsAwaited(claim));
    else if (storageClass) await this.provisioner.provision(claim, storageClass, signal);
    else if (claim.spec?.storageClassName) {
      const message = `storageclass.storage.k8s.io "${claim.spec.storageClassName}" not found`;
      this.say(claim, 'Warning', 'ProvisioningFailed', message);
    } else {
      const message = 'no persistent volumes available for this claim and no storage class is set';
      this.say(claim, 'Normal', 'FailedBinding', message);
    }
  }

  private whatIsAwaited(claim: PersistentVolumeClaim): string {
    const pods = this.pods.lister.by(podsByClaim, keyOf(claim)).map((pod) => pod.metadata.name);
    return pods.length === 0
      ? 'waiting for first consumer to be created before binding'
      : `waiting for pod ${pods[0]} to be scheduled`;
  }

  /** In this order: the volume's reservation, its phase, the claim's reference, its phase. Any of them may be done already. */
  private async bind(claim: PersistentVolumeClaim, volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    if (volume.spec?.claimRef?.uid !== uid) {
      const chosenHere = !volume.spec?.claimRef;
      const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
      volume = await this.client.update(
        PersistentVolume,
        {
          ...volume,
          metadata: chosenHere ? withAnnotation(volume, annotations.boundByController) : volume.metadata,
          spec: { ...volume.spec, claimRef },
        },
        { signal },
      );
    }
    volume = await this.setVolumePhase(volume, 'Bound', signal);
    if (claim.spec?.volumeName !== volume.metadata.name || !isBindCompleted(claim)) {
      const added = {
        [annotations.bindCompleted]: 'yes',
        ...(!claim.spec?.volumeName && { [annotations.boundByController]: 'yes' }),
      };
      claim = await this.client.update(
        PersistentVolumeClaim,
        {
          ...claim,
          metadata: { ...claim.metadata, annotations: { ...claim.metadata.annotations, ...added } },
          spec: { ...claim.spec, volumeName: volume.metadata.name },
        },
        { signal },
      );
    }
    const { accessModes, capacity } = volume.spec ?? {};
    const resized = claim.status?.phase === 'Bound' ? claim.status.capacity : capacity;
    const status = { ...claim.status, phase: 'Bound', accessModes, capacity: resized ?? capacity };
    if (!semanticEqual(status, claim.status)) {
      await this.client.updateStatus(PersistentVolumeClaim, { ...claim, status }, { signal });
    }
  }

  private async checkBound(claim: PersistentVolumeClaim, signal: AbortSignal): Promise<void> {
    const lose = async (reason: string, message: string) => {
      if (claim.status?.phase !== 'Lost') this.say(claim, 'Warning', reason, message);
      await this.setClaimPhase(claim, 'Lost', signal);
    };
    const named = claim.spec?.volumeName;
    if (!named) {
      return lose('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!');
    }
    const volume = this.volumes.lister.get(named) ?? (await this.live(PersistentVolume, { name: named }, signal));
    if (!volume) return lose('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
    if (!volume.spec?.claimRef || isReservedFor(volume, claim)) return this.bind(claim, volume, signal);
    return lose('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  }

  private async followVolume(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const { claimRef } = volume.spec ?? {};
    if (!claimRef?.uid) {
      await this.setVolumePhase(volume, 'Available', signal);
      return;
    }
    const ref = { name: claimRef.name ?? '', namespace: claimRef.namespace };
    let claim = this.claims.lister.get(`${ref.namespace}/${ref.name}`);
    // A cache that is late must not cost data: only a live read says that a claim is gone.
    if (claim?.metadata.uid !== claimRef.uid) claim = await this.live(PersistentVolumeClaim, ref, signal);
    if (claim?.metadata.uid === claimRef.uid) {
      const named = claim.spec?.volumeName;
      if (named === volume.metadata.name) await this.setVolumePhase(volume, 'Bound', signal);
      else if (named) await this.release(volume, signal);
      return;
    }
    await this.reclaim(volume, signal);
  }

  /** The claim took another volume: this one is free again, unless it was made for that claim alone. */
  private async release(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    if (volume.metadata.annotations?.[annotations.provisionedBy]) return this.reclaim(volume, signal);
    const { [annotations.boundByController]: byController, ...kept } = volume.metadata.annotations ?? {};
    const claimRef = byController
      ? undefined
      : { ...volume.spec?.claimRef, uid: undefined, resourceVersion: undefined };
    await this.client.update(
      PersistentVolume,
      { ...volume, metadata: { ...volume.metadata, annotations: kept }, spec: { ...volume.spec, claimRef } },
      { signal },
    );
  }

  private async reclaim(volume: PersistentVolume, signal: AbortSignal): Promise<void> {
    const policy = volume.spec?.persistentVolumeReclaimPolicy ?? 'Retain';
    const released = volume.status?.phase === 'Failed' ? volume : await this.setVolumePhase(volume, 'Released', signal);
    if (policy === 'Delete') {
      const ours = await this.provisioner.remove(released, signal);
      if (ours || released.metadata.finalizers?.includes(provisionerFinalizer)) return;
      if (!released.spec?.csi)
        await this.fail(released, 'VolumeFailedDelete', 'no volume plugin deletes volumes of this kind', signal);
    } else if (policy === 'Recycle') {
      await this.fail(released, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!', signal);
    }
  }

  private async fail(volume: PersistentVolume, reason: string, message: string, signal: AbortSignal): Promise<void> {
    if (volume.status?.phase === 'Failed') return;
    this.recorder.event(PersistentVolume, volume, 'Warning', reason, message);
    const status = { ...volume.status, phase: 'Failed', message };
    await this.client.updateStatus(PersistentVolume, { ...volume, status }, { signal });
  }

  private async live<T extends PersistentVolume | PersistentVolumeClaim>(
    type: Parameters<Client['get']>[0] & { readonly __type?: T },
    ref: { readonly name: string; readonly namespace?: string },
    signal: AbortSignal,
  ): Promise<T | undefined> {
    try {
      return await this.client.get<T>(type, ref, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  private async setVolumePhase(
    volume: PersistentVolume,
    phase: string,
    signal: AbortSignal,
  ): Promise<PersistentVolume> {
    if (volume.status?.phase === phase) return volume;
    const { message: _message, reason: _reason, ...rest } = volume.status ?? {};
    return this.client.updateStatus(PersistentVolume, { ...volume, status: { ...rest, phase } }, { signal });
  }

  private async setClaimPhase(claim: PersistentVolumeClaim, phase: string, signal: AbortSignal): Promise<void> {
    if (claim.status?.phase === phase) return;
    const status = phase === 'Pending' ? { phase } : { ...claim.status, phase };
    await this.client.updateStatus(PersistentVolumeClaim, { ...claim, status }, { signal });
  }

  private say(claim: PersistentVolumeClaim, kind: 'Normal' | 'Warning', reason: string, message: string): void {
    this.recorder.event(PersistentVolumeClaim, claim, kind, reason, message);
  }
}

function withAnnotation(volume: PersistentVolume, key: string): PersistentVolume['metadata'] {
  return { ...volume.metadata, annotations: { ...volume.metadata.annotations, [key]: 'yes' } };
}
