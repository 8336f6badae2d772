import {
  compareQuantity,
  formatQuantity,
  isStatusError,
  type KubernetesObject,
  type Quantity,
  ResourceQuota,
  type StatusError,
  subtractQuantity,
} from '@keelson/core';
import { type AdmissionAttributes, charge, type QuotaEvaluator, type WriteTerms } from '@keelson/core/admission';
import type { Fence } from '../../storage/contract.ts';
import { refuse } from '../refuse.ts';
import type { QuotaEnvironment } from './quota-environment.ts';
import type { QuotaFences } from './quota-fences.ts';

/** What is about to be written. */
export interface Chargeable {
  readonly attributes: AdmissionAttributes;
  readonly evaluator: QuotaEvaluator;
  readonly object: KubernetesObject;
}

/** What one write takes of one quota. */
interface Charge {
  readonly uid: string;
  readonly name: string;
  readonly fence: Fence;
  readonly amounts: ReadonlyMap<string, Quantity>;
}

interface Waiter extends Chargeable {
  /** Of earlier attempts, too. */
  readonly charges: Charge[];
  settle(refusal: StatusError | undefined): void;
  fail(error: unknown): void;
}

interface Payer {
  readonly waiter: Waiter;
  /** By uid. */
  readonly amounts: ReadonlyMap<string, ReadonlyMap<string, Quantity>>;
}

const mostAttempts = 10;
/** How long a count waits for the writes that were charged before it. Those that take longer have to be charged again. */
const patienceMs = 1_000;

/** The quotas of one namespace: charges, counts and what is given back, one after the other. */
export class NamespaceLedger {
  readonly #environment: QuotaEnvironment;
  readonly #fences: QuotaFences;
  readonly #namespace: string;
  readonly #idle: () => void;
  #users = 0;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Waiter[] = [];
  /** What is charged, stands, and is not yet written. */
  readonly #inFlight = new Set<readonly Charge[]>();
  readonly #watchers = new Set<() => void>();

  /** @param idle called when nobody uses it any more */
  constructor(environment: QuotaEnvironment, fences: QuotaFences, namespace: string, idle: () => void) {
    this.#environment = environment;
    this.#fences = fences;
    this.#namespace = namespace;
    this.#idle = idle;
  }

  /** Does something while nobody else of this server charges or counts. */
  async alone<R>(work: () => Promise<R>): Promise<R> {
    this.#users++;
    const run = this.#last.then(work);
    const settled = () => undefined;
    this.#last = run.then(settled, settled);
    try {
      return await run;
    } finally {
      this.#leave();
    }
  }

  /**
   * Takes room for what is about to be written; all that wait are charged with one write of each quota. Rejects where
   * there is none. Resolves to nothing where nothing has to be done about the write.
   */
  async charge(asked: Chargeable): Promise<WriteTerms | undefined> {
    const charges: Charge[] = [];
    this.#users++;
    try {
      await new Promise<void>((resolve, reject) => {
        const settle = (refusal: StatusError | undefined) => (refusal ? reject(refusal) : resolve());
        this.#waiting.push({ ...asked, charges, settle, fail: reject });
        if (this.#waiting.length === 1) void this.alone(() => this.#chargeWaiting());
      });
      return charges.length === 0 ? undefined : this.#terms(asked, charges);
    } catch (error) {
      await this.#giveBackLater(charges);
      throw error;
    } finally {
      this.#leave();
    }
  }

  /** Nothing that was charged to a quota may be written any more, but what is written when this resolves. */
  async voidCharges(uid: string): Promise<void> {
    await this.#drained(uid);
    await this.#fences.move(this.#namespace, uid);
    for (const charges of this.#inFlight) if (charges.some((each) => each.uid === uid)) this.#inFlight.delete(charges);
  }

  #leave(): void {
    if (--this.#users === 0) this.#idle();
  }

  #land(charges: readonly Charge[]): void {
    this.#inFlight.delete(charges);
    for (const each of this.#watchers) each();
  }

  #drained(uid: string): Promise<void> {
    const isDrained = () => ![...this.#inFlight].some((charges) => charges.some((each) => each.uid === uid));
    if (isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#watchers.delete(look);
        resolve();
      };
      const look = () => {
        if (isDrained()) end();
      };
      const cancel = this.#environment.clock.after(patienceMs, end);
      this.#watchers.add(look);
    });
  }

  #terms(asked: Chargeable, charges: readonly Charge[]): WriteTerms {
    this.#users++;
    return {
      fences: charges.map(({ fence }) => fence),
      renew: async () => {
        this.#land(charges);
        try {
          await this.#giveBack(charges);
          return (await this.charge(asked)) ?? {};
        } finally {
          this.#leave();
        }
      },
      ended: async (outcome) => {
        this.#land(charges);
        try {
          if (outcome === 'failed') await this.#giveBack(charges);
        } finally {
          this.#leave();
        }
      },
    };
  }

  async #chargeWaiting(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      await this.#chargeAll(batch);
    } catch (error) {
      for (const each of batch) each.fail(error);
    }
  }

  async #chargeAll(batch: readonly Waiter[]): Promise<void> {
    let left = batch;
    for (let attempt = 1; left.length > 0; attempt++) {
      // Fences that are read no later than the charge is written: a count in between lets it fail.
      const [quotas, fences] = await Promise.all([
        this.#environment.reader.list(ResourceQuota, this.#namespace),
        this.#fences.list(this.#namespace),
      ]);
      const { next, changed, payers } = this.#plan(left, quotas);
      const failed = new Set<Waiter>();
      for (const uid of changed) {
        const quota = next.get(uid);
        if (quota === undefined) continue;
        const paying = payers.filter(({ amounts }) => amounts.has(uid));
        const fence = fences.get(uid) ?? (await this.#fences.have(this.#namespace, uid));
        try {
          await this.#environment.write(quota, [fence]);
        } catch (error) {
          if (isStatusError(error, 'NotFound')) continue;
          if (!isStatusError(error, 'Conflict') || attempt >= mostAttempts) throw error;
          for (const { waiter } of paying) failed.add(waiter);
          continue;
        }
        const { name } = quota.metadata;
        for (const { waiter, amounts } of paying) {
          waiter.charges.push({ uid, name, fence, amounts: amounts.get(uid) ?? new Map() });
        }
      }
      for (const { waiter } of payers) {
        if (failed.has(waiter)) continue;
        if (waiter.charges.length > 0) this.#inFlight.add(waiter.charges);
        waiter.settle(undefined);
      }
      left = [...failed];
    }
  }

  /** Charges in the order of arrival; who is refused or pays nothing learns it at once. */
  #plan(waiters: readonly Waiter[], quotas: readonly ResourceQuota[]) {
    const now = this.#environment.clock.now();
    const next = new Map(quotas.map((each) => [each.metadata.uid ?? '', each]));
    const changed = new Set<string>();
    const payers: Payer[] = [];
    for (const waiter of waiters) {
      const { attributes, evaluator, object, charges } = waiter;
      const open = [...next].filter(([uid]) => !charges.some((each) => each.uid === uid)).map(([, quota]) => quota);
      const before = attributes.operation === 'UPDATE' ? attributes.oldObject : undefined;
      const reported = attributes.subresource === 'status';
      const outcome = charge(open, { evaluator, object, ...(before && { before }), reported }, now);
      if (outcome.type === 'refused') {
        waiter.settle(refuse(attributes, outcome.reason));
        continue;
      }
      if (attributes.dryRun || outcome.quotas.length === 0) {
        if (charges.length > 0) this.#inFlight.add(charges);
        waiter.settle(undefined);
        continue;
      }
      const amounts = new Map<string, ReadonlyMap<string, Quantity>>();
      for (const quota of outcome.quotas) {
        const { uid = '' } = quota.metadata;
        amounts.set(uid, increase(next.get(uid), quota));
        next.set(uid, quota);
        changed.add(uid);
      }
      payers.push({ waiter, amounts });
    }
    return { next, changed, payers };
  }

  async #giveBackLater(charges: readonly Charge[]): Promise<void> {
    if (charges.length === 0) return;
    try {
      await this.#giveBack(charges);
    } catch (error) {
      // What is answered is the refusal; the next count gives it back.
      this.#environment.logger.warn('a charge could not be given back', {
        namespace: this.#namespace,
        error: String(error),
      });
    }
  }

  async #giveBack(charges: readonly Charge[]): Promise<void> {
    if (charges.length === 0) return;
    await this.alone(async () => {
      for (const each of charges) await this.#giveBackOne(each);
    });
  }

  /** A charge whose fence has moved is not in the usage any more, or will not be when the count is written. */
  async #giveBackOne({ uid, name, fence, amounts }: Charge): Promise<void> {
    const { reader, write } = this.#environment;
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const quota = await reader.get(ResourceQuota, name, this.#namespace);
      if (quota?.metadata.uid !== uid || !(await this.#fences.stands(fence))) return;
      const used = { ...quota.status?.used };
      for (const [each, amount] of amounts) {
        const left = subtractQuantity(used[each] ?? '0', amount);
        if (used[each] !== undefined) used[each] = formatQuantity(compareQuantity(left, '0') < 0 ? '0' : left);
      }
      try {
        await write({ ...quota, status: { ...quota.status, used } }, [fence]);
        return;
      } catch (error) {
        if (isStatusError(error, 'NotFound')) return;
        if (!isStatusError(error, 'Conflict')) throw error;
      }
    }
    this.#environment.logger.warn('a charge waits for the next count', { namespace: this.#namespace, quota: name });
  }
}

/** How much more a charge has made of each name. */
function increase(before: ResourceQuota | undefined, after: ResourceQuota): ReadonlyMap<string, Quantity> {
  const more = new Map<string, Quantity>();
  for (const [name, used] of Object.entries(after.status?.used ?? {})) {
    const amount = subtractQuantity(used, before?.status?.used?.[name] ?? '0');
    if (compareQuantity(amount, '0') !== 0) more.set(name, amount);
  }
  return more;
}
