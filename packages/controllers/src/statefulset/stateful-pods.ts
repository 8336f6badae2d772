import {
  type Client,
  type EventRecorder,
  type Informer,
  type Informers,
  isStatusError,
  type KubernetesObject,
  objectKey,
  PersistentVolumeClaim,
  Pod,
  type PodTemplateSpec,
  StatefulSet,
} from '@keelson/core';
import { type Expectations, isNamespaceTerminating, messageOf, slowStart } from '../pod-control/index.ts';
import { isStale, newClaims, ownersOfClaim } from './claims.ts';
import { newPod, ordinalOf, podName } from './identity.ts';
import type { Step } from './steps.ts';

type Verb = 'Create' | 'Delete' | 'Update';

export interface StepsDone {
  readonly done: readonly Step[];
  readonly error: unknown;
}

/** Does to pods and claims what was decided, and tells of it in events. */
export class StatefulPods {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;

  constructor(client: Client, informers: Informers, recorder: EventRecorder, expectations: Expectations) {
    this.claims = informers.for(PersistentVolumeClaim);
    this.#client = client;
    this.#recorder = recorder;
    this.#expectations = expectations;
  }

  /** @param templates by the name of their revision */
  async take(
    set: StatefulSet,
    steps: readonly Step[],
    templates: ReadonlyMap<string, PodTemplateSpec>,
    signal: AbortSignal,
  ): Promise<StepsDone> {
    const done: Step[] = [];
    const { error } = await slowStart(steps.length, 1, async (index) => {
      const step = steps[index];
      if (step !== undefined && (await this.#take(set, step, templates, signal))) done.push(step);
    });
    return { done, error };
  }

  /** Whether a create had to wait for the end of a claim of an earlier pod. */
  waits(set: StatefulSet, steps: readonly Step[]): boolean {
    return steps.some((step) => step.type === 'create' && this.#blocked(set, step.ordinal));
  }

  async #take(
    set: StatefulSet,
    step: Step,
    templates: ReadonlyMap<string, PodTemplateSpec>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const uid = set.metadata.uid ?? '';
    switch (step.type) {
      case 'create': {
        if (this.#blocked(set, step.ordinal)) return false;
        const name = podName(set, step.ordinal);
        await this.#createClaims(set, step.ordinal, signal);
        const pod = newPod(set, templates.get(step.revision) ?? set.spec.template, step.ordinal, step.revision);
        return this.#told(set, 'Create', `Pod ${name} in StatefulSet ${set.metadata.name} successful`, name, () =>
          this.#expectations.creation(uid, () => this.#client.create(Pod, pod, { signal })),
        );
      }
      case 'delete': {
        const { name, uid: podUid = '' } = step.pod.metadata;
        return this.#told(set, 'Delete', `Pod ${name} in StatefulSet ${set.metadata.name} successful`, name, () =>
          this.#expectations.deletion(uid, podUid, () =>
            this.#client.delete(Pod, step.pod.metadata, { preconditions: { uid: podUid }, signal }),
          ),
        );
      }
      case 'label': {
        const { name } = step.pod.metadata;
        return this.#told(set, 'Update', `Pod ${name} in StatefulSet ${set.metadata.name} successful`, name, () =>
          this.#client.patch(Pod, step.pod.metadata, { merge: { metadata: { labels: step.labels } } }, { signal }),
        );
      }
    }
  }

  async #told(
    set: StatefulSet,
    verb: Verb,
    what: string,
    name: string,
    action: () => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await action();
      this.#recorder.event(StatefulSet, set, 'Normal', `Successful${verb}`, `${verb} ${what}`);
      return true;
    } catch (error) {
      if (verb === 'Delete' && isStatusError(error, 'NotFound')) return false;
      if (isNamespaceTerminating(error)) return false;
      if (!isStatusError(error, 'AlreadyExists')) {
        const text = `${verb} Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${messageOf(error)}`;
        this.#recorder.event(StatefulSet, set, 'Warning', `Failed${verb}`, text);
      }
      throw error;
    }
  }

  #claim(namespace: string | undefined, name: string): PersistentVolumeClaim | undefined {
    return this.claims.lister.get(objectKey({ name, ...(namespace !== undefined && { namespace }) }));
  }

  #blocked(set: StatefulSet, ordinal: number): boolean {
    return newClaims(set, ordinal).some(({ metadata }) => {
      const claim = this.#claim(metadata.namespace, metadata.name ?? '');
      return claim !== undefined && isStale(set, claim, ordinal, undefined);
    });
  }

  async #createClaims(set: StatefulSet, ordinal: number, signal: AbortSignal): Promise<void> {
    for (const wanted of newClaims(set, ordinal)) {
      const name = wanted.metadata.name ?? '';
      const there = this.#claim(wanted.metadata.namespace, name);
      if (there?.metadata.deletionTimestamp !== undefined) throw new Error(`pvc ${name} is being deleted`);
      if (there !== undefined) continue;
      const what = `Claim ${name} Pod ${podName(set, ordinal)} in StatefulSet ${set.metadata.name}`;
      try {
        await this.#client.create(PersistentVolumeClaim, wanted, { signal });
        this.#recorder.event(StatefulSet, set, 'Normal', 'SuccessfulCreate', `Create ${what} success`);
      } catch (error) {
        if (isStatusError(error, 'AlreadyExists')) continue;
        const text = `Create ${what} failed error: ${messageOf(error)}`;
        this.#recorder.event(StatefulSet, set, 'Warning', 'FailedCreate', text);
        throw error;
      }
    }
  }

  /** Makes missing claims of pods that wait for them, and puts on all of them whom they go with. Resolves to the first error. */
  async keepClaims(set: StatefulSet, pods: readonly Pod[], signal: AbortSignal): Promise<unknown> {
    if ((set.spec.volumeClaimTemplates?.length ?? 0) === 0) return undefined;
    let failure: unknown;
    for (const pod of pods) {
      const ordinal = ordinalOf(set, pod.metadata.name);
      if (ordinal === undefined) continue;
      try {
        if ((pod.status?.phase ?? 'Pending') === 'Pending' && pod.metadata.deletionTimestamp === undefined) {
          await this.#createClaims(set, ordinal, signal);
        }
        for (const { metadata } of newClaims(set, ordinal)) await this.#keepOwners(set, pod, ordinal, metadata, signal);
      } catch (error) {
        failure ??= error;
      }
    }
    return failure;
  }

  async #keepOwners(
    set: StatefulSet,
    pod: Pod,
    ordinal: number,
    { namespace, name = '' }: Partial<KubernetesObject['metadata']>,
    signal: AbortSignal,
  ): Promise<void> {
    const claim = this.#claim(namespace, name);
    const ownerReferences = claim && ownersOfClaim(set, claim, pod, ordinal);
    if (claim === undefined || ownerReferences === undefined) return;
    const metadata = { ...claim.metadata, ownerReferences };
    await this.#client.update(PersistentVolumeClaim, { ...claim, metadata }, { signal });
  }
}
