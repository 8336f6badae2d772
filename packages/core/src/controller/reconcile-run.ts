import type { KubernetesObject, ResourceType } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Clock, ObjectKey } from '../machinery/index.ts';
import type { TakenKey } from '../workqueue/index.ts';
import type { ReconcileContext, Trigger, Watch } from './contract.ts';
import type { OwnWrites } from './own-writes.ts';
import type { Cause, ReconcileTrace, TracedRead, TracedWrite } from './trace.ts';
import { trackedClient } from './tracked-client.ts';

export interface ReconcileRunOptions {
  readonly key: ObjectKey;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ownWrites: OwnWrites;
  readonly startedAt: number;
  /** An object as the controller's caches hold it. */
  known(type: ResourceType, key: ObjectKey, cluster?: string): KubernetesObject | undefined;
  /** Called as soon as a write is answered. */
  wrote(write: TracedWrite): void;
  /** Sends a request in whatever surroundings the observers want it in. */
  readonly send: <R>(act: () => Promise<R>) => Promise<R>;
  /** In development: where a call comes from. */
  readonly place?: (() => string | undefined) | undefined;
}

/** An event that came for a key while that is worked on. */
export interface HeldTrigger {
  readonly trigger: Trigger;
  readonly watch: Watch;
}

const mostNoted = 100;

/** One reconcile of one key: what it may use, and the record of what it did. */
export class ReconcileRun implements ReconcileContext {
  readonly signal: AbortSignal;
  /** Whether they tell of its own writes is known when these are answered. */
  readonly held: HeldTrigger[] = [];
  /** It waits for the caches, and has not begun to read them. */
  catchingUp = true;
  caughtUpMs = 0;
  echoes = 0;
  readonly startedAt: number;
  readonly #options: ReconcileRunOptions;
  readonly #reads: TracedRead[] = [];
  readonly #writes: TracedWrite[] = [];
  readonly #clients = new Map<Client, { loud?: Client; quiet?: Client }>();

  constructor(options: ReconcileRunOptions) {
    this.#options = options;
    this.signal = options.signal;
    this.startedAt = options.startedAt;
  }

  // Bound, as a reconcile takes it out of its context.
  readonly track: ReconcileContext['track'] = (client, { quiet = false, cluster } = {}) => {
    let tracked = this.#clients.get(client);
    if (!tracked) {
      tracked = {};
      this.#clients.set(client, tracked);
    }
    const form = quiet ? 'quiet' : 'loud';
    const { clock, key, ownWrites, known, place, send } = this.#options;
    tracked[form] ??= trackedClient(client, {
      clock,
      signal: this.signal,
      known: (type, of) => known(type, of, cluster),
      send,
      ...(place && { place }),
      read: (read) => note(this.#reads, read),
      wrote: (write, written) => {
        const traced = cluster === undefined ? write : { ...write, cluster };
        note(this.#writes, traced);
        this.#options.wrote(traced);
        if (written) ownWrites.record(key, { ...written, cluster }, quiet);
      },
    });
    return tracked[form];
  };

  readonly read: ReconcileContext['read'] = (kind, key) => {
    const { clock, place } = this.#options;
    const line = place?.();
    note(this.#reads, { kind, key, from: 'cache', at: clock.now(), ...(line !== undefined && { line }) });
  };

  trace(
    about: Pick<ReconcileTrace, 'id' | 'controller' | 'startedAt' | 'outcome' | 'failures' | 'error'>,
    taken: TakenKey | undefined,
    causes: NotedCauses,
  ): ReconcileTrace {
    const { key, clock } = this.#options;
    return {
      ...about,
      key,
      causes: causes.first,
      moreCauses: causes.more,
      priority: taken?.priority ?? 'normal',
      addedAt: taken?.addedAt ?? about.startedAt,
      caughtUpMs: this.caughtUpMs,
      endedAt: clock.now(),
      reads: this.#reads,
      writes: this.#writes,
      echoes: this.echoes,
    };
  }
}

/** Why a key waits; only the first few are kept. */
export interface NotedCauses {
  readonly first: readonly Cause[];
  readonly more: number;
}

const mostCauses = 8;

/** The causes of the keys that wait, until each is taken. */
export class CauseBook {
  readonly #causes = new Map<ObjectKey, { readonly first: Cause[]; more: number }>();
  /** What is to cause a reconcile at its time, unless something else does so before. */
  readonly #later = new Map<ObjectKey, { readonly cause: Cause; readonly dueAt: number }>();

  note(key: ObjectKey, cause: Cause): void {
    const noted = this.#causes.get(key);
    if (!noted) this.#causes.set(key, { first: [cause], more: 0 });
    else if (noted.first.length < mostCauses) noted.first.push(cause);
    else noted.more += 1;
  }

  /** The earliest one counts, as in the queue. */
  noteLater(key: ObjectKey, cause: Cause, dueAt: number): void {
    const known = this.#later.get(key);
    if (!known || dueAt < known.dueAt) this.#later.set(key, { cause, dueAt });
  }

  take(key: ObjectKey, now: number): NotedCauses {
    const { first, more } = this.#causes.get(key) ?? { first: [], more: 0 };
    this.#causes.delete(key);
    const later = this.#later.get(key);
    // Without an event it was its time, whatever the clock says.
    if (!later || (later.dueAt > now && first.length > 0)) return { first, more };
    this.#later.delete(key);
    return { first: [later.cause, ...first], more };
  }
}

function note<N>(notes: N[], one: N): void {
  if (notes.length < mostNoted) notes.push(one);
}
