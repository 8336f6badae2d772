import type { Clock, FlowSchema, PriorityLevelConfiguration } from '@keelson/core';
import type { RequestInfo } from '../http/request-info.ts';
import type { UserInfo } from '../registry/contract.ts';
import { mandatoryLevels, mandatorySchemas } from '../registry/strategies/serving/flow-control-defaults.ts';
import { distinguisherOf, type Flow, FlowIndex } from './flow-index.ts';
import { FlowMetrics } from './flow-metrics.ts';
import { PriorityLevel, type Seat } from './priority-level.ts';
import { dealSeats, seatBounds } from './seat-limits.ts';
import { nameOf, WatchCounts } from './watch-counts.ts';
import {
  listEstimate,
  mostSeats,
  type ObjectStatistics,
  oneSeat,
  type WorkEstimate,
  writeEstimate,
} from './work-estimate.ts';

export interface FlowLimits {
  /** Seats of the whole server. Default 600, as Kubernetes' two limits of requests in flight together. */
  readonly seats: number;
  /** How long a request may wait for a seat, in milliseconds. Default 15 s, a quarter of what a request may take. */
  readonly waitMs: number;
}

export interface FlowControlOptions {
  readonly clock: Clock;
  readonly limits?: Partial<FlowLimits>;
  /** How large the objects of a kind are, as far as is known. */
  sizes?(group: string, version: string, resource: string): ObjectStatistics | undefined;
}

/** Where a request belongs. */
export interface Classified {
  readonly flow: Flow;
  readonly level: PriorityLevel;
}

/** A request as it comes to the queues. */
export interface FlowRequest {
  readonly user: UserInfo;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  /** Aborts when the client goes; asked for only if the request has to wait. */
  signal(): AbortSignal;
}

const defaultLimits: FlowLimits = { seats: 600, waitMs: 15_000 };
const adjustEveryMs = 10_000;
const reads: ReadonlySet<string> = new Set(['get', 'list', 'watch', 'head', 'options']);
const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

/**
 * Priority and fairness (KEP-1040): which FlowSchema a request is of, and whether it gets a seat at once, later or not at
 * all. Until the cluster's own configuration is known there are the two levels that no cluster is without.
 */
export class FlowControl {
  readonly metrics = new FlowMetrics();
  readonly watches = new WatchCounts();
  readonly #options: FlowControlOptions;
  readonly #limits: FlowLimits;
  readonly #levels = new Map<string, PriorityLevel>();
  /** Levels that are no more, but still at work. */
  readonly #leaving = new Set<PriorityLevel>();
  #index = new FlowIndex([]);
  #byFlow = new WeakMap<Flow, Classified>();
  #fallback: Classified;
  #fairFraction = 1;

  constructor(options: FlowControlOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#fallback = this.configure([], []);
  }

  /** All levels, by name; last those that are leaving. */
  get levels(): readonly PriorityLevel[] {
    const known = [...this.#levels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return [...known, ...this.#leaving];
  }

  isLeaving(level: PriorityLevel): boolean {
    return this.#leaving.has(level);
  }

  text(): string {
    return this.metrics.text(this.#levels.values(), this.#fairFraction);
  }

  /** Takes a configuration over, whole. What waits in a level that stays goes on waiting. */
  configure(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): Classified {
    const { clock } = this.#options;
    const wanted = new Map([...standard(mandatoryLevels), ...named(levels)]);
    const bounds = seatBounds(new Map([...wanted].map(([name, { spec }]) => [name, spec])), this.#limits.seats);
    for (const [name, level] of this.#levels) {
      if (wanted.has(name)) continue;
      this.#levels.delete(name);
      if (!level.idle) this.#leaving.add(level);
    }
    for (const [name, configuration] of wanted) {
      const level =
        this.#levels.get(name) ?? new PriorityLevel(configuration, clock, this.metrics, this.#limits.waitMs);
      level.configure(configuration, bounds.get(name) ?? { nominal: 0, lower: 0, upper: 0 });
      this.#levels.set(name, level);
    }
    const all = [...new Map([...standard(mandatorySchemas), ...named(schemas)]).values()];
    this.#index = new FlowIndex(all.filter(({ spec }) => wanted.has(spec?.priorityLevelConfiguration.name ?? '')));
    this.#byFlow = new WeakMap();
    for (const flow of this.#index.flows) {
      const level = this.#levels.get(flow.level);
      if (!level) continue;
      const classified = { flow, level };
      this.#byFlow.set(flow, classified);
      if (flow.name === 'catch-all') this.#fallback = classified;
    }
    this.#deal();
    return this.#fallback;
  }

  /** Deals the seats out anew every ten seconds, until the signal. */
  run(signal: AbortSignal): void {
    if (signal.aborted) return;
    const cancel = this.#options.clock.after(adjustEveryMs, () => {
      signal.removeEventListener('abort', cancel);
      this.#deal();
      this.run(signal);
    });
    signal.addEventListener('abort', cancel, { once: true });
  }

  /** How many requests wait for a seat. */
  waiting(mutating: boolean): number {
    let count = 0;
    for (const { queues } of this.levels) {
      if (queues.waiting === 0) continue;
      for (const { waiting } of queues.queues.values()) {
        for (const { subject } of waiting) if (reads.has(subject.info.verb) !== mutating) count++;
      }
    }
    return count;
  }

  classify(user: UserInfo, info: RequestInfo): Classified {
    const flow = this.#index.find(user, info);
    return (flow && this.#byFlow.get(flow)) ?? this.#fallback;
  }

  /** A seat, or a promise of one. Throws and rejects with `FlowRefusal`; rejects with the signal's reason. */
  enter({ flow, level }: Classified, { user, info, query, signal }: FlowRequest): Seat | Promise<Seat> {
    const work = this.#estimate({ flow, level }, info, query);
    return level.enter(flow, distinguisherOf(flow, user, info), work, { user, info }, signal);
  }

  #estimate({ flow, level }: Classified, info: RequestInfo, query: URLSearchParams): WorkEstimate {
    if (!info.isResource) return oneSeat;
    const { verb, group, version, resource, subresource } = info;
    const { nominal } = level.bounds;
    if (verb === 'list' || verb === 'watch') {
      if (verb === 'watch' && !beginsWithAll(query)) return oneSeat;
      if (nameOf(info, query) !== undefined) return oneSeat;
      const limit = verb === 'watch' ? 0 : limitIn(query);
      return listEstimate({ limit }, this.#options.sizes?.(group, version, resource), mostSeats(nominal, false));
    }
    if (!writes.has(verb) || (subresource === 'token' && resource === 'serviceaccounts')) return oneSeat;
    const watches = this.watches.interested(info);
    this.metrics.watchers(flow, level.name, watches);
    return writeEstimate(watches, mostSeats(nominal, true));
  }

  #deal(): void {
    const wishes = new Map([...this.#levels].map(([name, level]) => [name, level.wish()]));
    const { fairFraction, levels } = dealSeats(wishes);
    this.#fairFraction = fairFraction;
    for (const [name, share] of levels) this.#levels.get(name)?.grant(share);
    for (const level of this.#leaving) if (level.idle) this.#leaving.delete(level);
  }
}

/** A watch that begins with what there is costs as much as a list. */
function beginsWithAll(query: URLSearchParams): boolean {
  const asked = query.get('sendInitialEvents');
  if (asked !== null) return asked !== 'false' && asked !== '0';
  const version = query.get('resourceVersion') ?? '';
  return version === '' || version === '0';
}

function limitIn(query: URLSearchParams): number | undefined {
  const text = query.get('limit');
  if (text === null) return 0;
  return /^[+-]?\d{1,18}$/.test(text) ? Math.max(0, Number(text)) : undefined;
}

const standard = <Spec>(specs: Readonly<Record<string, Spec | undefined>>) =>
  Object.entries(specs).flatMap(([name, spec]) =>
    spec === undefined ? [] : [[name, { metadata: { name }, spec }] as const],
  );

const named = <Item extends { readonly metadata: { readonly name?: string } }>(items: readonly Item[]) =>
  items.map((item) => [item.metadata.name ?? '', item] as const);
