import { compareQuantity, formatQuantity, type ResourceQuota } from '@keelson/core';
import { countUsage } from './count-usage.ts';
import { NamespaceLedger } from './namespace-ledger.ts';
import type { QuotaEnvironment } from './quota-environment.ts';
import { QuotaFences } from './quota-fences.ts';

/**
 * What is used of the quotas of a cluster, in their status. The sum of what is stored and of what may yet be written is
 * never more than that, whoever counts:
 *
 * - An object is written only after it was charged, and only if the quota's fence is where it was before the charge.
 * - Whoever writes another usage than there was, such as the quota controller, causes a count by the server: it moves the
 *   fence, counts what is stored from then on, and writes no less than that, if nobody has charged meanwhile.
 *
 * So a charge is either in the usage that a count begins with and void unless its object is counted, or later than the
 * count. That holds for several servers on one store.
 */
export class Quotas {
  readonly fences: QuotaFences;
  readonly #environment: QuotaEnvironment;
  readonly #ledgers = new Map<string, NamespaceLedger>();

  constructor(environment: QuotaEnvironment) {
    this.#environment = environment;
    this.fences = new QuotaFences(environment.storage);
  }

  ledgerOf(namespace: string): NamespaceLedger {
    let ledger = this.#ledgers.get(namespace);
    if (!ledger) {
      ledger = new NamespaceLedger(this.#environment, this.fences, namespace, () => this.#ledgers.delete(namespace));
      this.#ledgers.set(namespace, ledger);
    }
    return ledger;
  }

  /**
   * What is used, where somebody wants to write `wanted` in the place of `old`: no less than is stored. Undefined: as it
   * was. Call in the ledger's `alone`, before which `old` was not yet read.
   */
  async settled(
    wanted: ResourceQuota,
    old: ResourceQuota,
    { dryRun }: { readonly dryRun: boolean },
  ): Promise<Readonly<Record<string, string>> | undefined> {
    const { namespace = '', uid = '' } = old.metadata;
    const before = old.status?.used ?? {};
    const asked = wanted.status?.used ?? {};
    const names = Object.keys(asked);
    if (names.every((name) => before[name] !== undefined && compareQuantity(asked[name] ?? 0, before[name]) === 0)) {
      return undefined;
    }
    const { clock } = this.#environment;
    if (!dryRun) await this.ledgerOf(namespace).voidCharges(uid);
    const counted = await countUsage(wanted, names, this.#environment, clock.now());
    return Object.fromEntries(
      names.map((name) => {
        const least = counted.get(name);
        const value = asked[name] ?? '0';
        return [name, least && compareQuantity(value, least) < 0 ? formatQuantity(least) : value];
      }),
    );
  }
}
