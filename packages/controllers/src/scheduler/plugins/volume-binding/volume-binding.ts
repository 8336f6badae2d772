import {
  type Client,
  type Clock,
  type Informer,
  type Informers,
  isStatusError,
  PersistentVolume,
  PersistentVolumeClaim,
  type Pod,
  StorageClass,
  wellKnown,
} from '@keelson/core';
import {
  type CycleState,
  type EventRegistration,
  type NodeInfo,
  type SchedulerPlugin,
  type SchedulingStatus,
  stateKey,
} from '@keelson/core/scheduling';
import { matchVolume } from '../../../volume-binder/match-volume.ts';
import { allows, reaches, type VolumePlan } from './volume-plan.ts';

const planKey = stateKey<VolumePlan>('VolumeBinding plan');
/** By node: the volumes that were found for the delayed claims. */
const choiceKey = stateKey<Map<string, ReadonlyMap<string, PersistentVolume>>>('VolumeBinding choice');
const skip: SchedulingStatus = { code: 'skip' };
const unreachable: SchedulingStatus = {
  code: 'unresolvable',
  reasons: ["node(s) didn't match PersistentVolume's node affinity"],
};
const nothingToBind = "node(s) didn't find available persistent volumes to bind";
const unresolvable = (reason: string): SchedulingStatus => ({ code: 'unresolvable', reasons: [reason] });
const isBound = (claim: PersistentVolumeClaim) =>
  Boolean(claim.spec?.volumeName) && claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;

export interface VolumeBindingServices {
  readonly client: Client;
  readonly clock: Clock;
  readonly informers: Informers;
  /** How long to wait for volumes to be bound, in milliseconds. Default 10 minutes. */
  readonly bindTimeout?: number;
}

/** Nodes must reach the pod's volumes; claims with delayed binding get theirs when the node is chosen (KEP-490). */
export class VolumeBinding implements SchedulerPlugin {
  readonly name = 'VolumeBinding';
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly timeout: number;
  private readonly claims: Informer<PersistentVolumeClaim>;
  private readonly volumes: Informer<PersistentVolume>;
  private readonly classes: Informer<StorageClass>;
  /** Volumes promised to claims of pods that are being bound, by volume; the value is the pod. */
  private readonly promised = new Map<string, string>();

  constructor(services: VolumeBindingServices) {
    this.client = services.client;
    this.clock = services.clock;
    this.timeout = services.bindTimeout ?? 600_000;
    this.claims = services.informers.for(PersistentVolumeClaim);
    this.volumes = services.informers.for(PersistentVolume);
    this.classes = services.informers.for(StorageClass);
  }

  preFilter(pod: Pod, state: CycleState): SchedulingStatus {
    const volumes = pod.spec?.volumes ?? [];
    if (!volumes.some((each) => each.persistentVolumeClaim || each.ephemeral)) return skip;
    const bound: PersistentVolume[] = [];
    const delayed: { claim: PersistentVolumeClaim; storageClass: StorageClass }[] = [];
    for (const volume of volumes) {
      const name =
        volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${pod.metadata.name}-${volume.name}`);
      if (name === undefined) continue;
      const claim = this.claims.lister.get(`${pod.metadata.namespace}/${name}`);
      if (!claim) {
        return unresolvable(
          volume.ephemeral
            ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
            : `persistentvolumeclaim "${name}" not found`,
        );
      }
      if (claim.metadata.deletionTimestamp) return unresolvable(`persistentvolumeclaim "${name}" is being deleted`);
      if (claim.status?.phase === 'Lost') {
        return unresolvable(
          `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName}"`,
        );
      }
      const storageClass = this.classes.lister.get(claim.spec?.storageClassName ?? '');
      if (isBound(claim)) {
        const found = this.volumes.lister.get(claim.spec?.volumeName ?? '');
        if (!found) return unresolvable(`persistentvolume "${claim.spec?.volumeName}" not found`);
        bound.push(found);
      } else if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !claim.spec?.volumeName) {
        delayed.push({ claim, storageClass });
      } else {
        return unresolvable('pod has unbound immediate PersistentVolumeClaims');
      }
    }
    state.write(planKey, { bound, delayed });
    state.write(choiceKey, new Map());
    return undefined;
  }

  filter(_pod: Pod, node: NodeInfo, state: CycleState): SchedulingStatus {
    const plan = state.read(planKey);
    if (!plan) return undefined;
    for (const volume of plan.bound) if (!reaches(volume, node.node)) return unreachable;
    if (plan.delayed.length === 0) return undefined;
    const chosen = new Map<string, PersistentVolume>();
    const taken = new Set<string>();
    for (const { claim, storageClass } of plan.delayed) {
      const selected = claim.metadata.annotations?.[wellKnown.selectedNode];
      if (selected !== undefined && selected !== node.name) return unreachable;
      const volume = matchVolume(
        claim,
        this.volumes.lister.list(),
        (each) => !taken.has(each.metadata.name) && !this.promised.has(each.metadata.name) && reaches(each, node.node),
      );
      if (volume) {
        taken.add(volume.metadata.name);
        chosen.set(claim.metadata.name, volume);
      } else if (storageClass.provisioner === 'kubernetes.io/no-provisioner' || !allows(storageClass, node.node)) {
        return nothingToBind;
      }
    }
    state.read(choiceKey)?.set(node.name, chosen);
    return undefined;
  }

  reserve(_pod: Pod, nodeName: string, state: CycleState): SchedulingStatus {
    for (const volume of state.read(choiceKey)?.get(nodeName)?.values() ?? []) {
      this.promised.set(volume.metadata.name, state.podInfo.key);
    }
    return undefined;
  }

  unreserve(_pod: Pod, _nodeName: string, state: CycleState): void {
    this.forget(state);
  }

  postBind(_pod: Pod, _nodeName: string, state: CycleState): void {
    this.forget(state);
  }

  /** Reserves the chosen volumes, asks for the others on this node, and waits until all are bound. */
  async preBind(_pod: Pod, nodeName: string, state: CycleState, signal: AbortSignal): Promise<SchedulingStatus> {
    const plan = state.read(planKey);
    if (!plan || plan.delayed.length === 0) return undefined;
    const chosen = state.read(choiceKey)?.get(nodeName);
    try {
      for (const { claim } of plan.delayed) {
        const volume = chosen?.get(claim.metadata.name);
        if (volume) await this.reserveVolume(volume, claim, signal);
        else await this.requestVolume(claim, nodeName, signal);
      }
    } catch (error) {
      if (isStatusError(error, 'Conflict')) return { code: 'error', error };
      throw error;
    }
    return this.untilBound(plan, nodeName, signal);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { on: ['PersistentVolumeChanged', 'StorageClassChanged', 'CsiNodeChanged'] },
      { on: ['NodeAdded', 'NodeLabelsChanged'] },
      {
        on: ['PersistentVolumeClaimChanged'],
        helps: (pod, { object }) =>
          object.metadata.namespace === pod.metadata.namespace &&
          (pod.spec?.volumes ?? []).some(
            (each) =>
              each.persistentVolumeClaim?.claimName === object.metadata.name ||
              (each.ephemeral && `${pod.metadata.name}-${each.name}` === object.metadata.name),
          ),
      },
    ];
  }

  private forget(state: CycleState): void {
    for (const [volume, pod] of this.promised) if (pod === state.podInfo.key) this.promised.delete(volume);
  }

  private async reserveVolume(volume: PersistentVolume, claim: PersistentVolumeClaim, signal: AbortSignal) {
    if (volume.spec?.claimRef?.uid === claim.metadata.uid) return;
    const { name, namespace, uid, resourceVersion } = claim.metadata;
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion };
    const annotations = { ...volume.metadata.annotations, 'pv.kubernetes.io/bound-by-controller': 'yes' };
    await this.client.update(
      PersistentVolume,
      { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } },
      { signal },
    );
  }

  private async requestVolume(claim: PersistentVolumeClaim, nodeName: string, signal: AbortSignal): Promise<void> {
    if (claim.metadata.annotations?.[wellKnown.selectedNode] === nodeName) return;
    const annotations = { ...claim.metadata.annotations, [wellKnown.selectedNode]: nodeName };
    await this.client.update(
      PersistentVolumeClaim,
      { ...claim, metadata: { ...claim.metadata, annotations } },
      { signal },
    );
  }

  private untilBound(plan: VolumePlan, nodeName: string, signal: AbortSignal): Promise<SchedulingStatus> {
    return new Promise((resolve, reject) => {
      const finish = (status: SchedulingStatus) => {
        cancel();
        subscription.unsubscribe();
        signal.removeEventListener('abort', abort);
        resolve(status);
      };
      const abort = () => {
        cancel();
        subscription.unsubscribe();
        reject(signal.reason);
      };
      const look = () => {
        let missing = 0;
        for (const { claim } of plan.delayed) {
          const current = this.claims.lister.get(`${claim.metadata.namespace}/${claim.metadata.name}`);
          if (!current) return finish(unresolvable(`persistentvolumeclaim "${claim.metadata.name}" not found`));
          const selected = current.metadata.annotations?.[wellKnown.selectedNode];
          // The provisioner gave the node back: it could not make a volume there.
          if (!isBound(current) && selected !== undefined && selected !== nodeName) {
            return finish({
              code: 'error',
              error: new Error(`claim "${claim.metadata.name}" was sent to another node`),
            });
          }
          if (!isBound(current)) missing += 1;
        }
        if (missing === 0) finish(undefined);
      };
      const cancel = this.clock.after(this.timeout, () =>
        finish({ code: 'error', error: new Error('binding volumes: context deadline exceeded') }),
      );
      const subscription = this.claims.events$.subscribe(look);
      signal.addEventListener('abort', abort, { once: true });
      look();
    });
  }
}
