import { type Clock, isStatusError, type KubernetesObject, ResourceQuota, type StatusError } from '@keelson/core';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  charge,
  evaluatorFor,
  type QuotaEvaluator,
} from '@keelson/core/admission';
import type { AdmissionEnvironment } from './contract.ts';
import { refuse } from './refuse.ts';

/** Kinds that are not stored or come and go by themselves. */
const uncounted = new Set([
  'events',
  'bindings',
  'componentstatuses',
  'localsubjectaccessreviews',
  'selfsubjectaccessreviews',
  'subjectaccessreviews',
  'tokenreviews',
]);

interface Waiter {
  readonly attributes: AdmissionAttributes;
  readonly evaluator: QuotaEvaluator;
  readonly object: KubernetesObject;
  /** The quotas, by uid, that were charged already by an earlier attempt. */
  readonly charged: Set<string>;
  settle(refusal: StatusError | undefined): void;
  fail(error: unknown): void;
}

const mostAttempts = 10;

/**
 * Charges what is about to be written to the quotas of its namespace, and refuses what they have no room for. The quota's
 * status is written before the object, and only if nobody else has written it meanwhile: two API servers never give away
 * the same room twice. What is charged and then not written is given back by the quota controller's next count.
 */
export function resourceQuota(environment: AdmissionEnvironment): AdmissionPlugin {
  const queues = new Map<string, NamespaceQueue>();
  return {
    name: 'ResourceQuota',
    async validate(attributes) {
      const { namespace, group, resource, operation, subresource, object } = attributes;
      if (namespace === undefined || object === undefined || uncounted.has(resource)) return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      if (group === '' && resource === 'namespaces') return;
      const evaluator = evaluatorFor(group, resource);
      if (!evaluator.handles(operation, subresource)) return;
      if ((await environment.reader.list(ResourceQuota, namespace)).length === 0) return;
      let queue = queues.get(namespace);
      if (!queue) {
        queue = new NamespaceQueue(environment, namespace, () => queues.delete(namespace));
        queues.set(namespace, queue);
      }
      await queue.charge(attributes, evaluator, object);
    },
  };
}

/** The requests of one namespace that wait for its quotas: all that wait are charged with one write of each quota. */
class NamespaceQueue {
  readonly #environment: AdmissionEnvironment;
  readonly #namespace: string;
  readonly #clock: Clock;
  readonly #idle: () => void;
  #waiting: Waiter[] = [];
  #busy = false;

  constructor(environment: AdmissionEnvironment, namespace: string, idle: () => void) {
    this.#environment = environment;
    this.#namespace = namespace;
    this.#clock = environment.clock;
    this.#idle = idle;
  }

  charge(attributes: AdmissionAttributes, evaluator: QuotaEvaluator, object: KubernetesObject): Promise<void> {
    const outcome = new Promise<void>((resolve, reject) => {
      this.#waiting.push({
        attributes,
        evaluator,
        object,
        charged: new Set(),
        settle: (refusal) => (refusal ? reject(refusal) : resolve()),
        fail: reject,
      });
    });
    if (!this.#busy) {
      this.#busy = true;
      void this.#work();
    }
    return outcome;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#chargeAll(batch);
      } catch (error) {
        for (const each of batch) each.fail(error);
      }
    }
    this.#busy = false;
    this.#idle();
  }

  async #chargeAll(batch: readonly Waiter[]): Promise<void> {
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt++) {
      const quotas = await this.#environment.reader.list(ResourceQuota, this.#namespace);
      const { next, changed, payers } = this.#plan(left, quotas);
      const failed = new Set<Waiter>();
      for (const uid of changed) {
        const quota = next.get(uid);
        if (quota === undefined) continue;
        const paying = payers.filter((each) => each.uids.has(uid)).map((each) => each.waiter);
        try {
          await this.#environment.writeQuota(quota);
          for (const each of paying) each.charged.add(uid);
        } catch (error) {
          if (isStatusError(error, 'NotFound')) continue;
          if (!isStatusError(error, 'Conflict') || attempt >= mostAttempts) throw error;
          for (const each of paying) failed.add(each);
        }
      }
      for (const { waiter } of payers) if (!failed.has(waiter)) waiter.settle(undefined);
      left = [...failed];
    }
  }

  /** Charges in the order of arrival; who is refused or pays nothing learns it at once. */
  #plan(waiters: readonly Waiter[], quotas: readonly ResourceQuota[]) {
    const now = this.#clock.now();
    const next = new Map(quotas.map((each) => [each.metadata.uid ?? '', each]));
    const changed = new Set<string>();
    const payers: { readonly waiter: Waiter; readonly uids: ReadonlySet<string> }[] = [];
    for (const waiter of waiters) {
      const { attributes, evaluator, object, charged } = waiter;
      const open = [...next].filter(([uid]) => !charged.has(uid)).map(([, quota]) => quota);
      const before = attributes.operation === 'UPDATE' ? attributes.oldObject : undefined;
      const outcome = charge(open, { evaluator, object, ...(before && { before }) }, now);
      if (outcome.type === 'refused') {
        waiter.settle(refuse(attributes, outcome.reason));
        continue;
      }
      if (attributes.dryRun || outcome.quotas.length === 0) {
        waiter.settle(undefined);
        continue;
      }
      const uids = outcome.quotas.map(({ metadata }) => metadata.uid ?? '');
      for (const quota of outcome.quotas) next.set(quota.metadata.uid ?? '', quota);
      for (const uid of uids) changed.add(uid);
      payers.push({ waiter, uids: new Set(uids) });
    }
    return { next, changed, payers };
  }
}
