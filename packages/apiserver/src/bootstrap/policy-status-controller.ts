import { setImmediate as turnOfEventLoop } from 'node:timers/promises';
import { isStatusError, type KubernetesObject, ValidatingAdmissionPolicy } from '@keelson/core';
import { typeWarnings } from '../admission/index.ts';
import { follow } from '../authorization/follow.ts';
import type { ServerLoopOptions } from './api-service-controller.ts';
import { PendingKeys } from './pending-keys.ts';

const { group, version, plural: resource } = ValidatingAdmissionPolicy;
const target = { group, version, resource };
const isPolicy = (object: KubernetesObject): object is ValidatingAdmissionPolicy =>
  object.kind === 'ValidatingAdmissionPolicy';

/**
 * Checks the types of each ValidatingAdmissionPolicy once for every generation, and says in its status what is wrong. A
 * kind that is defined later is not looked at until the policy changes, as by the controller of Kubernetes.
 */
export class PolicyStatusController {
  readonly #options: ServerLoopOptions;
  readonly #unchecked = new Map<string, ValidatingAdmissionPolicy>();
  readonly #pending: PendingKeys;

  constructor(options: ServerLoopOptions) {
    this.#options = options;
    this.#pending = new PendingKeys(options.logger, 'a ValidatingAdmissionPolicy', (name) => this.#reconcile(name));
  }

  /** Resolves when the policies of the start are known; goes on until the signal. */
  async start(signal: AbortSignal): Promise<void> {
    const set = (object: KubernetesObject) => {
      if (!isPolicy(object)) return;
      const { name, generation = 0 } = object.metadata;
      if (generation <= (object.status?.observedGeneration ?? 0)) {
        this.#unchecked.delete(name);
        return;
      }
      this.#unchecked.set(name, object);
      this.#pending.add(name);
    };
    const remove = ({ metadata: { name = '' } }: KubernetesObject) => void this.#unchecked.delete(name);
    signal.addEventListener('abort', () => this.#pending.stop(), { once: true });
    await follow(this.#options.handler, target, { set, delete: remove }, { ...this.#options, signal });
  }

  async #reconcile(name: string): Promise<void> {
    const policy = this.#unchecked.get(name);
    if (!policy) return;
    const { handler, clock, user } = this.#options;
    const expressionWarnings = await typeWarnings(policy.spec ?? {}, {
      served: handler.catalog.list(),
      nanoseconds: (clock.now() % 1000) * 1_000_000,
      pause: turnOfEventLoop,
    });
    // Another generation came meanwhile, and is looked at next.
    if (this.#unchecked.get(name) !== policy) return;
    const { uid, generation } = policy.metadata;
    const body = {
      apiVersion: `${group}/${version}`,
      kind: ValidatingAdmissionPolicy.kind,
      // Who names a uid makes no new object where this one is gone.
      metadata: { name, ...(uid && { uid }) },
      status: {
        observedGeneration: generation,
        typeChecking: { ...(expressionWarnings.length > 0 && { expressionWarnings }) },
      },
    };
    // As the controller of Kubernetes does it, so that both own the same.
    const options = { fieldManager: 'validatingadmissionpolicy-status', force: true };
    const patchType = 'application/apply-patch+yaml';
    try {
      await handler.handle({ ...target, verb: 'patch', name, subresource: 'status', body, patchType, options }, user);
    } catch (error) {
      if (!isStatusError(error, 'Conflict', 'NotFound')) throw error;
    }
  }
}
