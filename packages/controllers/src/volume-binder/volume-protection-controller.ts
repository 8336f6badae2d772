import {
  type Client,
  type Controller,
  type Informer,
  type Informers,
  isStatusError,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  type ReconcileContext,
  type ResourceType,
  watch,
  wellKnown,
} from '@keelson/core';
import { claimsOfPod, podsByClaim } from './binding-state.ts';

/** Keeps claims that pods use, and volumes that are bound, from going: `kubernetes.io/pvc-protection` and `pv-protection`. */
export class VolumeProtectionController implements Controller {
  readonly name = 'volume-protection';
  readonly watches;
  private readonly client: Client;
  private readonly claims: Informer<PersistentVolumeClaim>;
  private readonly volumes: Informer<PersistentVolume>;
  private readonly pods: Informer<Pod>;

  constructor(client: Client, informers: Informers) {
    this.client = client;
    this.claims = informers.for(PersistentVolumeClaim);
    this.volumes = informers.for(PersistentVolume);
    this.pods = informers.for(Pod);
    this.pods.addIndex(podsByClaim, claimsOfPod);
    this.watches = [
      watch(this.claims).map((claim) => [`claim ${keyOf(claim)}`]),
      watch(this.volumes).map((volume) => [`volume ${volume.metadata.name}`]),
      watch(this.pods)
        .filter((_, event) => event.type === 'deleted')
        .map((pod) => claimsOfPod(pod).map((key) => `claim ${key}`)),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    if (key.startsWith('claim ')) {
      const claim = this.claims.lister.get(key.slice('claim '.length));
      if (!claim) return;
      const used = () => this.pods.lister.by(podsByClaim, keyOf(claim)).some((pod) => Boolean(pod.spec?.nodeName));
      await this.protect(PersistentVolumeClaim, claim, wellKnown.pvcProtectionFinalizer, used, signal);
    } else {
      const volume = this.volumes.lister.get(key.slice('volume '.length));
      if (!volume) return;
      const used = () => volume.status?.phase === 'Bound';
      await this.protect(PersistentVolume, volume, wellKnown.pvProtectionFinalizer, used, signal);
    }
  }

  private async protect<T extends KubernetesObject>(
    type: ResourceType<T>,
    object: T,
    finalizer: string,
    used: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const present = object.metadata.finalizers ?? [];
    const protectedNow = present.includes(finalizer);
    const leaving = object.metadata.deletionTimestamp !== undefined;
    if (leaving === !protectedNow || (leaving && used())) return;
    const finalizers = leaving ? present.filter((each) => each !== finalizer) : [...present, finalizer];
    try {
      await this.client.update(type, { ...object, metadata: { ...object.metadata, finalizers } }, { signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }
}
