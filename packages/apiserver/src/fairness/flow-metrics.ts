import { HistogramSeries, NumberSeries } from '@keelson/core/metrics';
import type { Flow } from './flow-index.ts';
import type { LevelObserver, PriorityLevel } from './priority-level.ts';
import type { RefusalReason } from './queue-set.ts';
import type { WorkEstimate } from './work-estimate.ts';

const ofFlow = ['flow_schema', 'priority_level'] as const;
const seconds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];

const histogram = (name: string, help: string, labels: readonly string[], buckets: readonly number[]) =>
  new HistogramSeries({ name: `apiserver_flowcontrol_${name}`, help, labels, buckets });

const number = (type: 'counter' | 'gauge', name: string, help: string, labels: readonly string[]) =>
  new NumberSeries({ type, name: `apiserver_flowcontrol_${name}`, help, labels });

type Observe = (value: number) => void;

/** What is counted of one FlowSchema in one level, found once. */
interface FlowCounts {
  readonly labels: readonly [string, string];
  executing: number;
  executingSeats: number;
  waiting: number;
  waitingSeats: number;
  dispatched: number;
  readonly refused: Map<RefusalReason, number>;
  readonly estimated: Observe;
  readonly took: Observe;
  readonly tookToWatch: Observe;
  readonly waited: Observe;
  readonly queueLength: Observe;
}

/** The metrics of priority and fairness, under the names and labels that Kubernetes gives them. */
export class FlowMetrics implements LevelObserver {
  readonly #counts = new Map<string, FlowCounts>();
  readonly #known = new WeakMap<Flow, FlowCounts>();
  readonly #waits = histogram(
    'request_wait_duration_seconds',
    'Seconds that requests waited for a seat.',
    ['execute', ...ofFlow],
    seconds,
  );
  readonly #executions = histogram(
    'request_execution_seconds',
    'Seconds that requests held a seat; of watches, until they had begun.',
    [...ofFlow, 'type'],
    seconds,
  );
  readonly #lengths = histogram(
    'request_queue_length_after_enqueue',
    'Length of the queue, with the request that has just joined it.',
    ofFlow,
    [0, 10, 25, 50, 100, 250, 500, 1000],
  );
  readonly #estimates = histogram(
    'work_estimated_seats',
    'Seats that requests were thought to need at most at once.',
    ofFlow,
    [1, 2, 4, 8, 16, 32, 64, 100],
  );
  readonly #watchers = histogram(
    'watch_count_samples',
    'Watches that the events of a write go to.',
    ofFlow,
    [0, 1, 10, 100, 1000, 10_000],
  );

  arrived(flow: Flow, level: string, { initialSeats, finalSeats }: WorkEstimate): void {
    this.#of(flow, level).estimated(Math.max(initialSeats, finalSeats));
  }

  joined(flow: Flow, level: string, length: number): void {
    this.#of(flow, level).queueLength(length);
  }

  queued(flow: Flow, level: string, seats: number): void {
    const counts = this.#of(flow, level);
    counts.waiting++;
    counts.waitingSeats += seats;
  }

  unqueued(flow: Flow, level: string, seats: number): void {
    const counts = this.#of(flow, level);
    counts.waiting--;
    counts.waitingSeats -= seats;
  }

  started(flow: Flow, level: string, seats: number, waitedMs: number | undefined): void {
    const counts = this.#of(flow, level);
    counts.dispatched++;
    counts.executing++;
    counts.executingSeats += seats;
    if (waitedMs !== undefined) counts.waited(waitedMs / 1000);
  }

  finished(flow: Flow, level: string, seats: number, tookMs: number, watch: boolean): void {
    const counts = this.#of(flow, level);
    counts.executing--;
    counts.executingSeats -= seats;
    if (watch) counts.tookToWatch(tookMs / 1000);
    else counts.took(tookMs / 1000);
  }

  refused(flow: Flow, level: string, reason: RefusalReason, waitedMs: number): void {
    const { refused } = this.#of(flow, level);
    refused.set(reason, (refused.get(reason) ?? 0) + 1);
    this.#waits.observe(['false', flow.name, level], waitedMs / 1000);
  }

  watchers(flow: Flow, level: string, count: number): void {
    this.#watchers.observe([flow.name, level], count);
  }

  #of(flow: Flow, level: string): FlowCounts {
    return this.#known.get(flow) ?? this.#learn(flow, level);
  }

  #learn(flow: Flow, level: string): FlowCounts {
    const key = `${flow.name} ${level}`;
    const labels = [flow.name, level] as const;
    const counts = this.#counts.get(key) ?? {
      labels,
      executing: 0,
      executingSeats: 0,
      waiting: 0,
      waitingSeats: 0,
      dispatched: 0,
      refused: new Map(),
      estimated: this.#estimates.of(labels),
      took: this.#executions.of([...labels, 'regular']),
      tookToWatch: this.#executions.of([...labels, 'watch']),
      waited: this.#waits.of(['true', ...labels]),
      queueLength: this.#lengths.of(labels),
    };
    this.#counts.set(key, counts);
    this.#known.set(flow, counts);
    return counts;
  }

  /** What has happened, and how the levels stand. */
  text(levels: Iterable<PriorityLevel>, fairFraction: number): string {
    const happened = [this.#waits, this.#executions, this.#lengths, this.#estimates, this.#watchers];
    return [...this.#flowSeries(), ...levelSeries(levels, fairFraction), ...happened]
      .map((each) => each.text())
      .join('');
  }

  #flowSeries(): readonly NumberSeries[] {
    const gauge = (name: string, help: string) => number('gauge', name, help, ofFlow);
    const executing = gauge('current_executing_requests', 'Requests that hold a seat now.');
    const executingSeats = gauge('current_executing_seats', 'Seats that are taken now.');
    const waiting = gauge('current_inqueue_requests', 'Requests that wait for a seat now.');
    const waitingSeats = gauge('current_inqueue_seats', 'Seats that are waited for now.');
    const dispatched = number('counter', 'dispatched_requests_total', 'Requests that got a seat.', ofFlow);
    const refused = number('counter', 'rejected_requests_total', 'Requests that got none.', [...ofFlow, 'reason']);
    for (const counts of this.#counts.values()) {
      const { labels } = counts;
      executing.add(labels, counts.executing);
      executingSeats.add(labels, counts.executingSeats);
      waiting.add(labels, counts.waiting);
      waitingSeats.add(labels, counts.waitingSeats);
      dispatched.add(labels, counts.dispatched);
      for (const [reason, count] of counts.refused) refused.add([...labels, reason], count);
    }
    return [executing, executingSeats, waiting, waitingSeats, dispatched, refused];
  }
}

/** What there is to say of each level now. */
const ofLevel: readonly (readonly [name: string, help: string, value: (level: PriorityLevel) => number])[] = [
  ['nominal_limit_seats', 'Seats by the shares of the level.', (level) => level.bounds.nominal],
  ['lower_limit_seats', 'Seats that the level never lends.', (level) => level.bounds.lower],
  ['upper_limit_seats', 'Seats that the level may have at most.', (level) => level.bounds.upper],
  ['current_limit_seats', 'Seats that the level has now.', (level) => level.share.current],
  ['target_seats', 'Seats that the level should have.', (level) => level.share.target],
  ['demand_seats_average', 'Seats asked for in the last period, on average.', (level) => level.demand.average],
  ['demand_seats_stdev', 'Standard deviation of what was asked for.', (level) => level.demand.deviation],
  [
    'demand_seats_high_watermark',
    'The most seats asked for at once in the last period.',
    (level) => level.demand.highest,
  ],
  ['demand_seats_smoothed', 'Seats asked for lately, older periods fading.', (level) => level.smoothed],
  ['current_r', 'Virtual time of the queues, in seat-seconds.', (level) => level.queues.virtualTime / 1000],
];

function levelSeries(levels: Iterable<PriorityLevel>, fairFraction: number): readonly NumberSeries[] {
  const fraction = number('gauge', 'seat_fair_frac', 'By how much the targets of all levels are multiplied.', []);
  fraction.add([], fairFraction);
  const all = [...levels];
  const series = ofLevel.map(([name, help, value]) => {
    const made = number('gauge', name, help, ['priority_level']);
    for (const level of all) made.add([level.name], value(level));
    return made;
  });
  return [fraction, ...series];
}
