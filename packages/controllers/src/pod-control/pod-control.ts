import {
  type Client,
  type EventRecorder,
  isStatusError,
  type KubernetesObject,
  type NewObject,
  Pod,
  type ResourceType,
} from '@keelson/core';
import type { Expectations } from './expectations.ts';

/** No controller creates or deletes more pods than this in one reconcile. */
export const podBurst = 500;

/** Creates and deletes the pods of one kind of owner: expected, and recorded as events on the owner. */
export class PodControl {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;
  readonly #ownerType: ResourceType;

  constructor(client: Client, recorder: EventRecorder, expectations: Expectations, ownerType: ResourceType) {
    this.#client = client;
    this.#recorder = recorder;
    this.#expectations = expectations;
    this.#ownerType = ownerType;
  }

  /** @throws StatusError as the API answers; nothing is created in a namespace that is being deleted, which is no error */
  async create(owner: KubernetesObject, pod: NewObject<Pod>, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      const created = await this.#expectations.creation(owner.metadata.uid ?? '', () =>
        this.#client.create(Pod, pod, { signal }),
      );
      this.#event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (signal.aborted) throw error;
      if (isNamespaceTerminating(error)) return undefined;
      this.#event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
      throw error;
    }
  }

  /** @throws StatusError as the API answers; a pod that is gone already is no error */
  async delete(owner: KubernetesObject, pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid = '', name } = pod.metadata;
    try {
      await this.#expectations.deletion(owner.metadata.uid ?? '', uid, () =>
        this.#client.delete(Pod, pod.metadata, { preconditions: { uid }, signal }),
      );
      this.#event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      if (signal.aborted) throw error;
      if (isStatusError(error, 'NotFound')) return;
      this.#event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
      throw error;
    }
  }

  #event(owner: KubernetesObject, kind: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event(this.#ownerType, owner, kind, reason, message);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether a create was refused because the namespace is on its way out. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isStatusError(error, 'Forbidden') &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
  );
}
