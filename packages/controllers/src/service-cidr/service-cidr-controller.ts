import {
  type Client,
  type Clock,
  type Controller,
  type Informers,
  IPAddress,
  isStatusError,
  type ObjectKey,
  type ReconcileContext,
  ServiceCIDR,
  timestamp,
  watch,
} from '@keelson/core';
import { dependants } from './covered.ts';

export const serviceCidrFinalizer = 'networking.k8s.io/service-cidr-finalizer';

/** API servers are given this long to notice that a range goes, before it does. */
const graceMs = 10_000;
/** The addresses of a range that waits for them are looked at again after so long, if nothing brings it up before. */
const againMs = 30_000;

const ready = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const;
const waiting = {
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
} as const;

/** Says of each ServiceCIDR that it is ready, and holds one that goes until no address needs it (KEP-1880). */
export class ServiceCidrController implements Controller {
  readonly name = 'service-cidr';
  readonly watches;
  private readonly client: Client;
  private readonly clock: Clock;
  private readonly cidrs;
  private readonly addresses;

  constructor(client: Client, informers: Informers, clock: Clock) {
    this.client = client;
    this.clock = clock;
    this.cidrs = informers.for(ServiceCIDR);
    this.addresses = informers.for(IPAddress);
    this.watches = [watch(this.cidrs).map(() => this.everyKey()), watch(this.addresses).map(() => this.goingKeys())];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<{ requeueAfter: number } | undefined> {
    const cidr = this.cidrs.lister.get(key);
    if (!cidr) return undefined;
    try {
      if (cidr.metadata.deletionTimestamp === undefined) {
        await this.hold(cidr, signal);
        return undefined;
      }
      return await this.letGo(cidr, signal);
    } catch (error) {
      // Whatever changed it brings an event of its own.
      if (isStatusError(error, 'Conflict', 'NotFound')) return undefined;
      throw error;
    }
  }

  private everyKey(): readonly ObjectKey[] {
    return this.cidrs.lister.list().map((each) => each.metadata.name);
  }

  private goingKeys(): readonly ObjectKey[] {
    const going = this.cidrs.lister.list().filter((each) => each.metadata.deletionTimestamp !== undefined);
    return going.map((each) => each.metadata.name);
  }

  private async hold(cidr: ServiceCIDR, signal: AbortSignal): Promise<void> {
    const finalizers = cidr.metadata.finalizers ?? [];
    if (!finalizers.includes(serviceCidrFinalizer)) {
      const metadata = { ...cidr.metadata, finalizers: [...finalizers, serviceCidrFinalizer] };
      await this.client.update(ServiceCIDR, { ...cidr, metadata }, { signal });
      return;
    }
    await this.say(cidr, ready, signal);
  }

  private async letGo(cidr: ServiceCIDR, signal: AbortSignal): Promise<{ requeueAfter: number } | undefined> {
    const finalizers = cidr.metadata.finalizers ?? [];
    if (!finalizers.includes(serviceCidrFinalizer)) return undefined;
    if (dependants(cidr, this.cidrs.lister.list(), this.addresses.lister.list()).length > 0) {
      await this.say(cidr, waiting, signal);
      return { requeueAfter: againMs };
    }
    const left = Date.parse(cidr.metadata.deletionTimestamp ?? '') + graceMs - this.clock.now();
    if (left > 0) return { requeueAfter: left };
    const metadata = { ...cidr.metadata, finalizers: finalizers.filter((each) => each !== serviceCidrFinalizer) };
    await this.client.update(ServiceCIDR, { ...cidr, metadata }, { signal });
    return undefined;
  }

  private async say(cidr: ServiceCIDR, now: typeof ready | typeof waiting, signal: AbortSignal): Promise<void> {
    const conditions = cidr.status?.conditions ?? [];
    const known = conditions.find((each) => each.type === 'Ready');
    if (known?.status === now.status && known.reason === now.reason) return;
    const others = conditions.filter((each) => each.type !== 'Ready');
    const condition = { type: 'Ready', ...now, lastTransitionTime: timestamp(this.clock) };
    await this.client.updateStatus(
      ServiceCIDR,
      { ...cidr, status: { conditions: [...others, condition] } },
      { signal },
    );
  }
}
