import {
  type Clock,
  EndpointSlice,
  type Informers,
  type Lifecycle,
  type Logger,
  Service,
  wellKnown,
} from '@keelson/core';
import { merge, type Subscription } from 'rxjs';
import type { Proxier } from './proxier.ts';
import { servicePorts } from './service-ports.ts';

/** Shortest time between two syncs, in milliseconds: changes that come together are written together. */
const gatherMs = 20;
/** After a failed sync. */
const retryMs = 2_000;

/** Keeps the machine's Service addresses as Services and EndpointSlices say: one sync at a time, always from the whole state. */
export class ServiceProxy implements Lifecycle {
  readonly name = 'service-proxy';
  readonly phase = 'network';
  readonly #informers: Informers;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #makeProxiers: () => Promise<readonly Proxier[]>;
  #proxiers: readonly Proxier[] = [];
  #subscription: Subscription | undefined;
  #running: Promise<void> = Promise.resolve();
  #scheduled = false;
  #cancelTimer: (() => void) | undefined;
  readonly #stopping = new AbortController();

  constructor(informers: Informers, clock: Clock, logger: Logger, makeProxiers: () => Promise<readonly Proxier[]>) {
    this.#informers = informers;
    this.#clock = clock;
    this.#logger = logger.named('service-proxy');
    this.#makeProxiers = makeProxiers;
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#proxiers = await this.#makeProxiers();
    const services = this.#informers.for(Service);
    const slices = this.#informers.for(EndpointSlice);
    slices.addIndex('service', ({ metadata }) => {
      const service = metadata.labels?.[wellKnown.serviceNameLabel];
      return service ? [`${metadata.namespace}/${service}`] : [];
    });
    // Nothing is written before both are known: a half view would cut live connections off.
    await Promise.all([services.waitForSync(signal), slices.waitForSync(signal)]);
    this.#subscription = merge(services.events$, slices.events$).subscribe(() => this.#schedule(gatherMs));
    await this.#sync();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#subscription?.unsubscribe();
    this.#cancelTimer?.();
    await this.#running;
    for (const proxier of this.#proxiers) await proxier.stop();
  }

  #schedule(afterMs: number): void {
    if (this.#scheduled || this.#stopping.signal.aborted) return;
    this.#scheduled = true;
    this.#cancelTimer = this.#clock.after(afterMs, () => {
      this.#running = this.#running.then(() => {
        this.#scheduled = false;
        return this.#trySync();
      });
    });
  }

  async #trySync(): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#logger.error('cannot write the Service rules; trying again', { error });
      this.#schedule(retryMs);
    }
  }

  async #sync(): Promise<void> {
    const slices = this.#informers.for(EndpointSlice).lister;
    const ports = servicePorts(this.#informers.for(Service).lister.list(), ({ metadata }) =>
      slices.by('service', `${metadata.namespace}/${metadata.name}`),
    );
    for (const proxier of this.#proxiers) await proxier.sync(ports, this.#stopping.signal);
  }
}
