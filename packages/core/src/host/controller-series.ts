import type { ControllerManager, ControllerMetrics, ReconcileTrace } from '../controller/index.ts';
import { HistogramSeries, type MetricSource, NumberSeries } from '../metrics/index.ts';
import type { Priority } from '../workqueue/index.ts';

/** The results that controller-runtime tells apart; `requeue` has no counterpart here, and stays at 0. */
type Result = 'error' | 'requeue_after' | 'requeue' | 'success';
const results: readonly Result[] = ['error', 'requeue_after', 'requeue', 'success'];

const resultOf: Readonly<Record<ReconcileTrace['outcome'], Result | undefined>> = {
  success: 'success',
  requeueAfter: 'requeue_after',
  error: 'error',
  terminal: 'error',
  timeout: 'error',
  // Neither well nor badly: it was stopped from outside.
  aborted: undefined,
};

/** The numbers by which controller-runtime's queue knows its priorities. */
const priorityLabel: Readonly<Record<Priority, string>> = { high: '100', normal: '0', low: '-100' };

const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
/** Tenfold each from ten nanoseconds on, as floating point numbers add up in client-go. */
const queueBuckets = Array.from({ length: 11 }).reduce<readonly number[]>(
  (bounds) => [...bounds, (bounds.at(-1) ?? 0) * 10],
  [10e-9],
);

const byController = ['controller'];
const byQueue = ['name', 'controller'];

const counter = (name: string, help: string, labels: readonly string[] = byController) =>
  new NumberSeries({ type: 'counter', name, help, labels });

/**
 * What controllers and their queues do, under the names, labels and buckets of controller-runtime: dashboards and alerts
 * made for it hold here. Counts what happens from when it is made.
 */
export class ControllerSeries implements MetricSource {
  readonly #manager: ControllerManager;
  readonly #total = counter('controller_runtime_reconcile_total', 'Total number of reconciliations per controller', [
    'controller',
    'result',
  ]);
  readonly #errors = counter(
    'controller_runtime_reconcile_errors_total',
    'Total number of reconciliation errors per controller',
  );
  readonly #terminal = counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Total number of terminal reconciliation errors per controller',
  );
  readonly #panics = counter(
    'controller_runtime_reconcile_panics_total',
    'Total number of reconciliation panics per controller',
  );
  readonly #timeouts = counter(
    'controller_runtime_reconcile_timeouts_total',
    'Total number of reconciliation timeouts per controller',
  );
  readonly #time = new HistogramSeries({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Length of time per reconciliation per controller',
    labels: byController,
    buckets: reconcileBuckets,
  });
  readonly #waited = new HistogramSeries({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long in seconds an item stays in workqueue before being requested',
    labels: byQueue,
    buckets: queueBuckets,
  });
  readonly #worked = new HistogramSeries({
    name: 'workqueue_work_duration_seconds',
    help: 'How long in seconds processing an item from workqueue takes.',
    labels: byQueue,
    buckets: queueBuckets,
  });

  constructor(manager: ControllerManager) {
    this.#manager = manager;
    for (const name of Object.keys(manager.metrics)) {
      for (const each of results) this.#total.add([name, each], 0);
      for (const each of [this.#errors, this.#terminal, this.#panics, this.#timeouts]) each.add([name], 0);
    }
    manager.traces.listen((trace) => this.#count(trace));
  }

  text(): string {
    const counted = [
      this.#total,
      this.#errors,
      this.#terminal,
      this.#panics,
      this.#timeouts,
      this.#time,
      this.#waited,
      this.#worked,
    ];
    return [...counted, ...present(this.#manager.metrics)].map((each) => each.text()).join('');
  }

  #count({ controller, outcome, addedAt, startedAt, endedAt }: ReconcileTrace): void {
    const own = [controller];
    const queue = [controller, controller];
    const result = resultOf[outcome];
    if (result !== undefined) this.#total.add([controller, result]);
    if (result === 'error') this.#errors.add(own);
    if (outcome === 'terminal') this.#terminal.add(own);
    if (outcome === 'timeout') this.#timeouts.add(own);
    this.#time.observe(own, (endedAt - startedAt) / 1_000);
    this.#waited.observe(queue, Math.max(0, startedAt - addedAt) / 1_000);
    this.#worked.observe(queue, (endedAt - startedAt) / 1_000);
  }
}

interface Present {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  value(metrics: ControllerMetrics): number;
}

const presents: readonly Present[] = [
  {
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Maximum number of concurrent reconciles per controller',
    type: 'gauge',
    labels: byController,
    value: ({ concurrency }) => concurrency,
  },
  {
    name: 'controller_runtime_active_workers',
    help: 'Number of currently used workers per controller',
    type: 'gauge',
    labels: byController,
    value: ({ active }) => active,
  },
  {
    name: 'workqueue_adds_total',
    help: 'Total number of adds handled by workqueue',
    type: 'counter',
    labels: byQueue,
    value: ({ queue }) => queue.queued,
  },
  {
    name: 'workqueue_retries_total',
    help: 'Total number of items added to the workqueue with a non-zero delay (rate-limited requeues, explicit RequeueAfter or AddAfter calls)',
    type: 'counter',
    labels: byQueue,
    value: ({ queue }) => queue.postponed,
  },
  {
    name: 'workqueue_unfinished_work_seconds',
    help: "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
    type: 'gauge',
    labels: byQueue,
    value: ({ unfinishedMs }) => unfinishedMs / 1_000,
  },
  {
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How many seconds has the longest running processor for workqueue been running.',
    type: 'gauge',
    labels: byQueue,
    value: ({ longestUnfinishedMs }) => longestUnfinishedMs / 1_000,
  },
];

/** What is as it is now. */
function present(all: Readonly<Record<string, ControllerMetrics>>): readonly NumberSeries[] {
  const depth = new NumberSeries({
    type: 'gauge',
    name: 'workqueue_depth',
    help: 'Current depth of workqueue by workqueue and priority',
    labels: [...byQueue, 'priority'],
  });
  for (const [name, { queue }] of Object.entries(all)) {
    const { high, normal, low } = queue.depthOf;
    depth.set([name, name, priorityLabel.high], high);
    depth.set([name, name, priorityLabel.normal], normal);
    depth.set([name, name, priorityLabel.low], low);
  }
  const others = presents.map(({ value, ...description }) => {
    const series = new NumberSeries(description);
    for (const [name, metrics] of Object.entries(all)) {
      series.set(description.labels === byQueue ? [name, name] : [name], value(metrics));
    }
    return series;
  });
  return [depth, ...others];
}
