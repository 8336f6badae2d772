import {
  type Client,
  type Controller,
  controllerOf,
  DeviceClaimObject,
  type EventRecorder,
  type Informer,
  type Informers,
  isStatusError,
  keyOf,
  type ObjectKey,
  objectKey,
  Pod,
  type ReconcileContext,
  type ReconcileResult,
  ResourceClaimTemplate,
  watch,
} from '@keelson/core';
import { messageOf } from '../pod-control/index.ts';
import { claimStatuses, isDone, missingClaims, newClaim, podClaimAnnotation } from './pod-claims.ts';

const byTemplate = 'resourceClaimTemplates';
const byOwner = 'claimOwnerUid';
const retryMs = 10_000;

/** Makes the ResourceClaims of pods from templates (KEP-4381), and takes back reservations of pods that are done. */
export class ResourceClaimController implements Controller {
  readonly name = 'resource-claim';
  readonly watches;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<DeviceClaimObject>;
  readonly #templates: Informer<ResourceClaimTemplate>;

  constructor(client: Client, informers: Informers, recorder: EventRecorder) {
    this.#client = client;
    this.#recorder = recorder.as('resource_claim');
    this.#pods = informers.for(Pod);
    this.#claims = informers.for(DeviceClaimObject);
    this.#templates = informers.for(ResourceClaimTemplate);
    this.#pods.addIndex(byTemplate, (pod) =>
      (pod.spec.resourceClaims ?? []).flatMap(({ resourceClaimTemplateName: name }) =>
        name === undefined ? [] : [`${pod.metadata.namespace}/${name}`],
      ),
    );
    this.#claims.addIndex(byOwner, (claim) => {
      const uid = controllerOf(claim)?.uid;
      return uid === undefined ? [] : [uid];
    });
    this.watches = [
      watch(this.#pods)
        .filter((pod) => (pod.spec.resourceClaims?.length ?? 0) > 0)
        .map((pod) => [`pod ${keyOf(pod)}`, ...this.#reservedBy(pod)]),
      watch(this.#templates).map((template) =>
        this.#pods.lister.by(byTemplate, keyOf(template)).map((pod) => `pod ${keyOf(pod)}`),
      ),
      watch(this.#claims).map((claim) => [`claim ${keyOf(claim)}`]),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<ReconcileResult> {
    if (key.startsWith('claim ')) {
      await this.#release(key.slice('claim '.length), signal);
      return undefined;
    }
    const pod = this.#pods.lister.get(key.slice('pod '.length));
    if (pod === undefined || isDone(pod) || pod.metadata.deletionTimestamp !== undefined) return undefined;
    return this.#make(pod, signal);
  }

  async #make(pod: Pod, signal: AbortSignal): Promise<ReconcileResult> {
    const missing = missingClaims(pod);
    if (missing.length === 0) return undefined;
    const made = new Map<string, string>();
    for (const { name, resourceClaimTemplateName = '' } of missing) {
      const there = this.#claims.lister
        .by(byOwner, pod.metadata.uid ?? '')
        .find(({ metadata }) => metadata.annotations?.[podClaimAnnotation] === name);
      const template = this.#templates.lister.get(
        objectKey({ name: resourceClaimTemplateName, namespace: pod.metadata.namespace }),
      );
      try {
        if (there === undefined && template === undefined) {
          const absent = `resourceclaimtemplate.resource.k8s.io "${resourceClaimTemplateName}" not found`;
          throw new Error(`resource claim template "${resourceClaimTemplateName}": ${absent}`);
        }
        const claim =
          there ??
          (template && (await this.#client.create(DeviceClaimObject, newClaim(pod, name, template), { signal })));
        if (claim) made.set(name, claim.metadata.name);
      } catch (error) {
        const text = `PodResourceClaim ${name}: ${messageOf(error)}`;
        this.#recorder.event(Pod, pod, 'Warning', 'FailedResourceClaimCreation', text);
        return { requeueAfter: retryMs };
      }
    }
    const resourceClaimStatuses = claimStatuses(pod, made);
    try {
      await this.#client.patch(
        Pod,
        pod.metadata,
        { merge: { metadata: { uid: pod.metadata.uid }, status: { resourceClaimStatuses } } },
        { subresource: 'status', signal },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
    return undefined;
  }

  /** A claim is free again when all pods that have reserved it are done; one that was made for a pod goes with it. */
  async #release(key: ObjectKey, signal: AbortSignal): Promise<void> {
    const claim = this.#claims.lister.get(key);
    if (claim === undefined) return;
    const reserved = claim.status?.reservedFor ?? [];
    const kept = reserved.filter(({ resource, apiGroup, name, uid }) => {
      if (resource !== 'pods' || (apiGroup ?? '') !== '') return true;
      const pod = this.#pods.lister.get(objectKey({ name, namespace: claim.metadata.namespace }));
      return pod !== undefined && pod.metadata.uid === uid && !isDone(pod);
    });
    if (kept.length < reserved.length) {
      const { reservedFor: _before, ...status } = claim.status ?? {};
      const { allocation: _allocation, ...unallocated } = status;
      // Without users the devices go back, too.
      const next = kept.length > 0 ? { ...status, reservedFor: kept } : unallocated;
      await this.#client.updateStatus(DeviceClaimObject, { ...claim, status: next }, { signal });
    }
    const owner = controllerOf(claim);
    if (owner?.kind !== Pod.kind || kept.length > 0 || claim.metadata.deletionTimestamp !== undefined) return;
    const pod = this.#pods.lister.get(objectKey({ name: owner.name, namespace: claim.metadata.namespace }));
    if (pod === undefined || pod.metadata.uid !== owner.uid || !isDone(pod)) return;
    try {
      const preconditions = { uid: claim.metadata.uid };
      await this.#client.delete(DeviceClaimObject, claim.metadata, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
    }
  }

  #reservedBy(pod: Pod): readonly ObjectKey[] {
    const own = (pod.status?.resourceClaimStatuses ?? []).map((each) => each.resourceClaimName);
    const named = (pod.spec.resourceClaims ?? []).map((each) => each.resourceClaimName);
    return [...own, ...named]
      .filter((name) => name !== undefined)
      .map((name) => `claim ${objectKey({ name, namespace: pod.metadata.namespace })}`);
  }
}
