import type { FlowControl } from './flow-control.ts';
import type { PriorityLevel } from './priority-level.ts';
import type { QueuedRequest } from './queue-set.ts';
import { namespaceOf } from './request-rules.ts';

const base = '/debug/api_priority_and_fairness';
/** Queues that are listed of one level: there may be millions that have nothing to do. */
const mostQueues = 1024;
const narrowest = 8;

/** What flow control is doing now, in Kubernetes' tables of text. */
export class FlowDump {
  readonly #control: FlowControl;

  constructor(control: FlowControl) {
    this.#control = control;
  }

  /** `undefined`: no such path. */
  answer(path: string, query: URLSearchParams): string | undefined {
    switch (path) {
      case `${base}/dump_priority_levels`:
        return table([levelColumns, ...this.#control.levels.map((each) => this.#levelRow(each))]);
      case `${base}/dump_queues`:
        return table([queueColumns, ...this.#control.levels.flatMap(queueRows)]);
      case `${base}/dump_requests`: {
        const details = query.get('includeRequestDetails') ?? '';
        const detailed = details !== '' && details !== '0' && details !== 'false';
        const columns = detailed ? [...requestColumns, ...detailColumns] : requestColumns;
        return table([columns, ...this.#control.levels.flatMap((each) => requestRows(each, detailed))]);
      }
      default:
        return undefined;
    }
  }

  #levelRow(level: PriorityLevel): readonly string[] {
    const { name, queues, counts, idle, exempt } = level;
    const active = [...queues.queues.values()].filter(({ waiting }) => waiting.length > 0).length;
    const { dispatched, refused, timedOut, cancelled } = counts;
    const numbers = [queues.waiting, queues.executing.size, dispatched, refused, timedOut, cancelled];
    // Nobody asks whether an exempt level is idle: it has no queues to be taken away.
    const states = [idle && !exempt, this.#control.isLeaving(level)];
    return [name, active, ...states, ...numbers].map(String);
  }
}

const levelColumns = [
  'PriorityLevelName',
  'ActiveQueues',
  'IsIdle',
  'IsQuiescing',
  'WaitingRequests',
  'ExecutingRequests',
  'DispatchedRequests',
  'RejectedRequests',
  'TimedoutRequests',
  'CancelledRequests',
];

const queueColumns = [
  'PriorityLevelName',
  'Index',
  'PendingRequests',
  'ExecutingRequests',
  'SeatsInUse',
  'NextDispatchR',
  'InitialSeatsSum',
  'MaxSeatsSum',
  'TotalWorkSum',
];

const seatSeconds = (seatMs: number) => `${(seatMs / 1000).toFixed(8)}ss`;

function queueRows({ name, queues }: PriorityLevel): readonly (readonly string[])[] {
  const count = Math.min(queues.config.queues, mostQueues);
  return Array.from({ length: count }, (_, index) => {
    const queue = queues.queues.get(index);
    const waiting = queue?.waiting ?? [];
    const initial = waiting.reduce((sum, { work }) => sum + work.initialSeats, 0);
    const work = waiting.reduce((sum, each) => sum + each.seats, 0);
    const numbers = [index, waiting.length, queue?.executing ?? 0, queue?.seatsInUse ?? 0].map(String);
    const start = seatSeconds(queue?.virtualStart ?? 0);
    return [name, ...numbers, start, String(initial), String(queue?.seatsWaiting ?? 0), seatSeconds(work)];
  });
}

const requestColumns = [
  'PriorityLevelName',
  'FlowSchemaName',
  'QueueIndex',
  'RequestIndexInQueue',
  'FlowDistingsher',
  'ArriveTime',
  'InitialSeats',
  'FinalSeats',
  'AdditionalLatency',
  'StartTime',
];
const detailColumns = ['UserName', 'Verb', 'APIPath', 'Namespace', 'Name', 'APIVersion', 'Resource', 'SubResource'];

function requestRows({ name, queues }: PriorityLevel, detailed: boolean): readonly (readonly string[])[] {
  const row = (request: QueuedRequest, place: number) => {
    const { schema, queue, distinguisher, arrived, started, work, state } = request;
    const at = (ms: number) => new Date(ms).toISOString().replace(/\.?0*Z$/, 'Z');
    const { initialSeats, finalSeats, additionalMs } = work;
    const begun = state === 'waiting' ? '' : at(started);
    const seats = [initialSeats, finalSeats, additionalMs === 0 ? '0s' : `${additionalMs}ms`].map(String);
    const own = [name, schema, String(queue?.index ?? -1), String(place), distinguisher, at(arrived), ...seats, begun];
    return detailed ? [...own, ...detailsOf(request)] : own;
  };
  const waiting = [...queues.queues.values()].flatMap((queue) => queue.waiting.map(row));
  return [...waiting, ...[...queues.executing].map((each) => row(each, -1))];
}

function detailsOf({ subject: { user, info } }: QueuedRequest): readonly string[] {
  if (!info.isResource) return [user.name, info.verb, info.path, '', '', '', '', ''];
  const { verb, path, name = '', version, resource, subresource = '' } = info;
  return [user.name, verb, path, namespaceOf(info), name, version, resource, subresource];
}

/** Columns of equal width, each cell but the last with a comma. */
function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((text, at) => (at === row.length - 1 ? text : `${text},`)));
  const widths = (rows[0] ?? []).map((_, at) =>
    cells.reduce((widest, row) => Math.max(widest, (row[at]?.length ?? 0) + 1), narrowest),
  );
  const line = (row: readonly string[]) =>
    row.map((text, at) => (at === row.length - 1 ? text : text.padEnd(widths[at] ?? 0))).join('');
  return cells.map((row) => `${line(row)}\n`).join('');
}
