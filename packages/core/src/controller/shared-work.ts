import { setMaxListeners } from 'node:events';
import { Lease } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { type Clock, isStatusError, microTimestamp, type ObjectKey, type Random } from '../machinery/index.ts';
import type { Logger } from '../plugin/index.ts';
import type { Sharding, Share } from './contract.ts';
import { LeaderElector } from './leader-election.ts';
import { assignShards, type ShardUnit, shardOf } from './shards.ts';

/** How several processes share the objects among them. */
export interface SharedWorkOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Of the Leases: `<name>.shard-<number>` and `<name>.member-<identity>`. */
  readonly namespace: string;
  readonly name: string;
  /** Who this process is; unique, and fit for the name of an object. */
  readonly identity: string;
  /** Into so many parts the keys are divided: more than there will be processes. The same in all of them. Default 16. */
  readonly shards?: number;
  /** Whether all objects of a namespace go to the same process. Default `object`: each may go to another. */
  readonly by?: ShardUnit;
  /** Reconciles of a shard that goes elsewhere have so long before they are aborted. Default 5 s. */
  readonly drainMs?: number;
  /** As of `LeaderElector`. Default 20 s, 14 s and 4 s. */
  readonly leaseDurationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryPeriodMs?: number;
}

/** A shard that this process has, or is to have. */
interface Shard {
  readonly number: number;
  readonly elector: LeaderElector;
  /** Aborted when it is wanted no longer. */
  readonly leaving: AbortController;
  /** Aborted when work on it must end: it is lost, or has to go. */
  held: AbortController | undefined;
  /** Keys under way. */
  active: number;
  idle: () => void;
  ended: Promise<void>;
}

/** A Lease as it was seen last. */
interface Seen {
  readonly version: string;
  expired: boolean;
  cancel: () => void;
}

/** On all Leases: of which operator they are; and on those of processes, how they divide. */
const label = 'keelson.dev/shares';
const division = 'keelson.dev/division';

/**
 * Several processes divide the keys among each other. Each key is in one of a fixed number of shards, each shard has a
 * Lease, and whoever holds that works on its keys. Who is to hold it follows from who is there (a Lease for each process
 * as well) by rendezvous hashing, so that all come to the same without asking each other; who has one that another is to
 * have lets its reconciles end, and then gives it back. What holds of leader election holds for each shard: one process
 * at a time, as long as timers go about equally fast in all of them.
 */
export class SharedWork implements Sharding {
  readonly #options: Required<SharedWorkOptions>;
  readonly #shards: (Shard | undefined)[];
  readonly #listeners = new Set<(gained: (key: ObjectKey) => boolean) => void>();
  /** The Leases of others, and of shards, by their names. */
  readonly #seen = new Map<string, Seen>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: SharedWorkOptions) {
    const times = { leaseDurationMs: 20_000, renewDeadlineMs: 14_000, retryPeriodMs: 4_000 };
    this.#options = { shards: 16, by: 'object', drainMs: 5_000, ...times, ...options };
    this.#shards = Array.from({ length: this.#options.shards }, () => undefined);
    setMaxListeners(0, this.#stopping.signal);
    // It says what is wrong with the times.
    this.#electorOf(0);
  }

  /** Numbers of the shards that this process works on. */
  get held(): readonly number[] {
    return this.#shards.flatMap((each) => (each?.held ? [each.number] : []));
  }

  has(key: ObjectKey): boolean {
    return this.#shardOf(key)?.held !== undefined;
  }

  enter(key: ObjectKey): Share | undefined {
    const shard = this.#shardOf(key);
    if (!shard?.held || shard.leaving.signal.aborted) return undefined;
    shard.active += 1;
    const done = () => {
      shard.active -= 1;
      if (shard.active === 0) shard.idle();
    };
    return { lost: shard.held.signal, done };
  }

  onGained(listener: (gained: (key: ObjectKey) => boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Becomes one of those who share. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Gives everything back. To be called when nothing is acted upon any more; what is then still under way is kept to the end of its lease. */
  async stop(): Promise<void> {
    const { client, namespace, logger } = this.#options;
    this.#stopping.abort(new Error('the work is no longer shared'));
    await this.#running;
    for (const each of this.#seen.values()) each.cancel();
    await Promise.all(this.#shards.map((each) => each?.ended));
    try {
      const signal = AbortSignal.timeout(5_000);
      await client.delete(Lease, { namespace, name: this.#memberName }, { signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) logger.warn('others do not know yet that this process goes', { error });
    }
  }

  get #memberName(): string {
    return `${this.#options.name}.member-${this.#options.identity}`;
  }

  get #division(): string {
    return `${this.#options.shards} by ${this.#options.by}`;
  }

  #shardOf(key: ObjectKey): Shard | undefined {
    return this.#shards[shardOf(key, this.#options.shards, this.#options.by)];
  }

  #electorOf(shard: number): LeaderElector {
    const { name, ...options } = this.#options;
    return new LeaderElector({
      ...options,
      name: `${name}.shard-${shard}`,
      labels: { [label]: name },
      // It was looked at before it was to be had: what a process that died has left need not be waited for twice.
      hasExpired: ({ metadata }) => {
        const seen = this.#seen.get(metadata.name);
        return seen?.expired === true && seen.version === metadata.resourceVersion;
      },
    });
  }

  async #run(): Promise<void> {
    const { clock, random, retryPeriodMs, renewDeadlineMs, logger } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const attempt = new AbortController();
      const stop = () => attempt.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      const cancelTimer = clock.after(renewDeadlineMs, () => attempt.abort(new Error('there is no answer')));
      try {
        const members = await Promise.race([this.#meet(attempt.signal), rejected(attempt.signal)]);
        this.#take(assignShards(this.#options.shards, members));
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        // What it holds it goes on holding, as long as that can be renewed.
        if (failures === 1 || failures % 30 === 0) logger.warn('cannot see with whom to share', { error });
      } finally {
        cancelTimer();
        signal.removeEventListener('abort', stop);
      }
      try {
        await clock.sleep(retryPeriodMs * (0.75 + 0.5 * random()), signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
    }
  }

  async #meet(signal: AbortSignal): Promise<readonly string[]> {
    await this.#beThere(signal);
    return this.#present(signal);
  }

  /** Says that this process is there. */
  async #beThere(signal: AbortSignal): Promise<void> {
    const { client, clock, namespace, name, identity, leaseDurationMs } = this.#options;
    const marks = { labels: { [label]: name }, annotations: { [division]: this.#division } };
    const metadata = { namespace, name: this.#memberName, ...marks };
    const leaseDurationSeconds = Math.ceil(leaseDurationMs / 1_000);
    const spec = { holderIdentity: identity, leaseDurationSeconds, renewTime: microTimestamp(clock) };
    try {
      await client.patch(Lease, metadata, { merge: { metadata: marks, spec } }, { signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      await client.create(Lease, { metadata, spec }, { signal });
    }
  }

  /** Who is there: whose Lease has changed within its time, measured by this process's own timers. */
  async #present(signal: AbortSignal): Promise<readonly string[]> {
    const { client, namespace, name, identity } = this.#options;
    const all = await client.list(Lease, { namespace, labelSelector: `${label}=${name}`, signal });
    // An answer that came too late says nothing about now.
    signal.throwIfAborted();
    const items = all.items.filter(({ metadata }) => metadata.labels?.[label] === name);
    const found = new Set(items.map((each) => each.metadata.name));
    for (const [gone, { cancel }] of this.#seen) {
      if (found.has(gone)) continue;
      cancel();
      this.#seen.delete(gone);
    }
    const present = new Set([identity]);
    for (const lease of items) {
      const { holderIdentity } = lease.spec ?? {};
      if (!holderIdentity || holderIdentity === identity) continue;
      const { expired } = this.#see(lease);
      if (!lease.metadata.name.startsWith(`${name}.member-`)) continue;
      if (expired) {
        await this.#clearAway(lease, signal);
        continue;
      }
      const theirs = lease.metadata.annotations?.[division];
      // What is one's in the one division is another's in the other.
      if (theirs !== this.#division) {
        throw new Error(`${holderIdentity} divides the keys otherwise: ${theirs}, not ${this.#division}`);
      }
      present.add(holderIdentity);
    }
    return [...present];
  }

  #see({ metadata, spec }: Lease): Seen {
    const version = metadata.resourceVersion ?? '';
    const known = this.#seen.get(metadata.name);
    if (known?.version === version) return known;
    known?.cancel();
    const seen: Seen = { version, expired: false, cancel: () => undefined };
    seen.cancel = this.#options.clock.after((spec?.leaseDurationSeconds ?? 0) * 1_000, () => {
      seen.expired = true;
    });
    this.#seen.set(metadata.name, seen);
    return seen;
  }

  /** Of a process that died; one that was only slow says again that it is there. */
  async #clearAway({ metadata }: Lease, signal: AbortSignal): Promise<void> {
    const { name, namespace = 'default', uid, resourceVersion } = metadata;
    const preconditions = { ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) };
    try {
      await this.#options.client.delete(Lease, { name, namespace }, { preconditions, signal });
    } catch (error) {
      if (!isStatusError(error, 'NotFound', 'Conflict')) throw error;
    }
  }

  #take(owners: readonly (string | undefined)[]): void {
    const { identity } = this.#options;
    for (const [number, owner] of owners.entries()) {
      const shard = this.#shards[number];
      if (owner !== identity) shard?.leaving.abort(new Error(`shard ${number} goes to ${owner}`));
      else if (!shard) this.#shards[number] = this.#join(number);
    }
  }

  #join(number: number): Shard {
    const shard: Shard = {
      number,
      elector: this.#electorOf(number),
      leaving: new AbortController(),
      held: undefined,
      active: 0,
      idle: () => undefined,
      ended: Promise.resolve(),
    };
    setMaxListeners(0, shard.leaving.signal);
    shard.ended = this.#keep(shard).finally(() => {
      this.#shards[number] = undefined;
    });
    return shard;
  }

  /** Until it is to go elsewhere, or the process stops. */
  async #keep(shard: Shard): Promise<void> {
    const { number, elector } = shard;
    const { signal: stopped } = this.#stopping;
    const until = AbortSignal.any([stopped, shard.leaving.signal]);
    elector.start();
    try {
      while (!until.aborted) {
        const term = await elector.lead(until);
        const held = new AbortController();
        setMaxListeners(0, held.signal);
        shard.held = held;
        term.addEventListener('abort', () => this.#lose(shard, term.reason), { once: true });
        const { shards, by } = this.#options;
        for (const each of this.#listeners) each((key) => shardOf(key, shards, by) === number);
        await aborted(AbortSignal.any([until, term]));
      }
    } catch (error) {
      if (!until.aborted) throw error;
    }
    if (shard.leaving.signal.aborted) await this.#drain(shard);
    this.#lose(shard, until.reason);
    const { active } = shard;
    const kept = active > 0 ? elector.acting() : undefined;
    await elector.stop();
    kept?.();
  }

  /** The reconciles under way end, or are aborted and end then: before that nobody else may have it. */
  async #drain(shard: Shard): Promise<void> {
    const { clock, drainMs } = this.#options;
    if (shard.active === 0) return;
    const cancelTimer = clock.after(drainMs, () => shard.held?.abort(shard.leaving.signal.reason));
    const idle = new Promise<void>((resolve) => {
      shard.idle = resolve;
    });
    await Promise.race([idle, aborted(this.#stopping.signal)]);
    cancelTimer();
  }

  #lose(shard: Shard, reason: unknown): void {
    shard.held?.abort(reason);
    shard.held = undefined;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}
