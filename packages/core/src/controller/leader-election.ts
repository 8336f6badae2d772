import { Lease } from '../api/index.ts';
import { type Client, hintFor } from '../client/index.ts';
import { type Clock, isStatusError, microTimestamp, type Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { Leadership } from './contract.ts';

/** Which Lease is contended for, by whom, and the times that all contenders must share. */
export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Who this process is; unique among the candidates. */
  readonly identity: string;
  /** After so long without a renewal others may lead. Default 15 s. */
  readonly leaseDurationMs?: number;
  /** A leader that could not renew for so long stops leading; shorter than the lease, so that there are never two. Default 10 s. */
  readonly renewDeadlineMs?: number;
  /** Between attempts to lead, and between renewals. Default 2 s. */
  readonly retryPeriodMs?: number;
  /** Put on the Lease where it is made. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Whether this process has seen the Lease unchanged for as long as it holds, by other means than the election. */
  readonly hasExpired?: (lease: Lease) => boolean;
}

/** Until when a renewal counts: from when it was sent, since from then on others count, at the earliest. */
interface Deadline {
  passed: boolean;
  cancel: () => void;
}

/** A time during which this process leads. */
interface Term {
  readonly lost: AbortController;
  /** Of its last renewal: it ends the term. */
  deadline: Deadline;
}

/** The lease as it was seen last. */
interface SeenLease {
  readonly version: string;
  /** It is unchanged for as long as it holds. */
  expired: boolean;
  cancel: () => void;
}

/**
 * One of several processes leads: the one that holds a Lease (coordination.k8s.io/v1), as Kubernetes' own controllers
 * do it. How old a lease is each candidate measures by its own timers, from when it saw the lease change: clocks need not
 * agree, and may jump.
 */
export class LeaderElector implements Leadership {
  readonly #options: LeaderElectionOptions &
    Required<Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>>;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<(term: Term) => void>();
  #term: Term | undefined;
  #seen: SeenLease | undefined;
  #running: Promise<void> | undefined;
  #acting = 0;

  constructor(options: LeaderElectionOptions) {
    const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = options;
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * 1.2)) {
      throw new RangeError(
        `leader election: leaseDurationMs (${leaseDurationMs}) must be more than renewDeadlineMs (${renewDeadlineMs}), and that more than 1.2 times retryPeriodMs (${retryPeriodMs})`,
      );
    }
    this.#options = { ...options, leaseDurationMs, renewDeadlineMs, retryPeriodMs };
  }

  get leading(): boolean {
    return this.#term !== undefined;
  }

  /** Of the Lease. */
  get leaseName(): string {
    return this.#options.name;
  }

  /** Becomes a candidate. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives the lease back, so that the next one need not wait for its end. To be called when nothing is acted upon any more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the leader election is stopped'));
    await this.#running;
    this.#seen?.cancel();
    const led = this.leading;
    this.#lose(new Error('the leader election is stopped'));
    if (!led) return;
    if (this.#acting > 0) {
      this.#options.logger.warn('the lease is not given back, as not all work has ended; others wait for its end');
      return;
    }
    try {
      await this.#release();
    } catch (error) {
      this.#options.logger.warn('the lease was not given back; others wait for its end', { error });
    }
  }

  acting(): () => void {
    this.#acting += 1;
    return () => {
      this.#acting -= 1;
    };
  }

  lead(signal: AbortSignal): Promise<AbortSignal> {
    if (this.#term) return Promise.resolve(this.#term.lost.signal);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = () => {
        this.#waiting.delete(begin);
        reject(signal.reason);
      };
      const begin = (term: Term) => {
        signal.removeEventListener('abort', abort);
        resolve(term.lost.signal);
      };
      this.#waiting.add(begin);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  async #run(): Promise<void> {
    const { clock, random, retryPeriodMs, logger } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#attemptInTime();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        const hint = hintFor(error);
        const fields = { lease: `${this.#options.namespace}/${this.#options.name}`, error, ...(hint && { hint }) };
        if (isStatusError(error, 'Conflict', 'AlreadyExists')) logger.debug('another candidate was quicker', fields);
        else if (failures === 1 || failures % 30 === 0) logger.warn('cannot reach the lease', fields);
      }
      try {
        // Candidates that began together part; a leader renews evenly.
        await clock.sleep(retryPeriodMs * (this.leading ? 1 : 1 + 1.2 * random()), signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }

  /** An attempt that hangs must not keep from the next one. */
  async #attemptInTime(): Promise<void> {
    const { clock, renewDeadlineMs } = this.#options;
    const abort = new AbortController();
    const stop = () => abort.abort(this.#stopping.signal.reason);
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    const deadline: Deadline = { passed: false, cancel: () => undefined };
    deadline.cancel = clock.after(renewDeadlineMs, () => {
      deadline.passed = true;
      abort.abort(new Error(`no answer within ${renewDeadlineMs} ms`));
      if (this.#term?.deadline === deadline) {
        this.#lose(new Error(`the lease was not renewed within ${renewDeadlineMs} ms`));
      }
    });
    const aborted = new Promise<never>((_, reject) =>
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true }),
    );
    try {
      await Promise.race([this.#attempt(deadline, abort.signal), aborted]);
    } finally {
      if (this.#term?.deadline !== deadline) deadline.cancel();
      this.#stopping.signal.removeEventListener('abort', stop);
    }
  }

  /** Takes or renews the lease, unless somebody else holds it. */
  async #attempt(deadline: Deadline, signal: AbortSignal): Promise<void> {
    const { client, clock, namespace, name, identity, leaseDurationMs, labels, hasExpired } = this.#options;
    const current = await this.#read(signal);
    // An answer that came too late says nothing about now.
    signal.throwIfAborted();
    const now = microTimestamp(clock);
    const held = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseDurationMs / 1_000), renewTime: now };
    if (!current) {
      const spec = { ...held, acquireTime: now, leaseTransitions: 0 };
      const created = await client.create(
        Lease,
        { metadata: { namespace, name, ...(labels && { labels }) }, spec },
        { signal },
      );
      signal.throwIfAborted();
      this.#note(created);
      this.#lead(deadline);
      return;
    }
    const { expired } = this.#note(current);
    const { spec = {} } = current;
    const mine = spec.holderIdentity === identity;
    if (!mine && spec.holderIdentity && !expired && !hasExpired?.(current)) {
      this.#lose(new Error(`${spec.holderIdentity} leads`));
      return;
    }
    const transitions = (spec.leaseTransitions ?? 0) + (mine ? 0 : 1);
    const next = mine ? { ...spec, ...held } : { ...spec, ...held, acquireTime: now, leaseTransitions: transitions };
    const updated = await client.update(Lease, { ...current, spec: next }, { signal });
    signal.throwIfAborted();
    this.#note(updated);
    this.#lead(deadline);
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      return await client.get(Lease, { namespace, name }, { signal });
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  #note({ metadata, spec }: Lease): SeenLease {
    const version = metadata.resourceVersion ?? '';
    if (this.#seen?.version === version) return this.#seen;
    this.#seen?.cancel();
    const durationMs = (spec?.leaseDurationSeconds ?? 0) * 1_000;
    const seen: SeenLease = { version, expired: durationMs <= 0, cancel: () => undefined };
    seen.cancel = this.#options.clock.after(durationMs, () => {
      seen.expired = true;
    });
    this.#seen = seen;
    return seen;
  }

  #lead(deadline: Deadline): void {
    const { logger, identity, namespace, name } = this.#options;
    if (this.#term) {
      this.#term.deadline.cancel();
      this.#term.deadline = deadline;
      return;
    }
    const term: Term = { lost: new AbortController(), deadline };
    this.#term = term;
    logger.info('leads', { identity, lease: `${namespace}/${name}` });
    for (const begin of this.#waiting) begin(term);
    this.#waiting.clear();
  }

  #lose(reason: Error): void {
    const term = this.#term;
    if (!term) return;
    this.#term = undefined;
    term.deadline.cancel();
    if (!this.#stopping.signal.aborted) this.#options.logger.warn('leads no longer', { reason: reason.message });
    term.lost.abort(reason);
  }

  async #release(): Promise<void> {
    const { client, clock, namespace, name, identity } = this.#options;
    const signal = AbortSignal.timeout(5_000);
    const current = await client.get(Lease, { namespace, name }, { signal });
    if (current.spec?.holderIdentity !== identity) return;
    const renewTime = microTimestamp(clock);
    const spec = { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime, acquireTime: renewTime };
    await client.update(Lease, { ...current, spec }, { signal });
  }
}
