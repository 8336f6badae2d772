import { messageOf, type ObjectKey } from '../machinery/index.ts';
import type { Cause, ReconcileTrace, TracedRead, TracedWrite } from './trace.ts';
import { idOfWrite, idsOfCause } from './write-index.ts';

/** A chain is followed so far. */
const deepest = 12;
const mostReads = 6;

/**
 * Why reconciles ran and what came of them, as a tree: the events, the wait, what was read and written, and below each
 * write the reconciles that it caused. Of all that the filter names those first that nothing shown before has caused.
 *
 * @example
 * console.log(explain(manager.traces.list(), { controller: 'website', key: 'default/hello' }));
 */
export function explain(
  traces: readonly ReconcileTrace[],
  about: { readonly controller?: string; readonly key?: ObjectKey; readonly id?: number } = {},
): string {
  const { controller, key, id } = about;
  const story = new Story(traces);
  return traces
    .filter(
      (each) =>
        (controller === undefined || each.controller === controller) &&
        (key === undefined || each.key === key) &&
        (id === undefined || each.id === id),
    )
    .map((each) => story.tell(each))
    .filter((each) => each !== '')
    .join('\n');
}

class Story {
  readonly #byId = new Map<number, ReconcileTrace>();
  /** By what a write and its event have in common. */
  readonly #causedBy = new Map<string, ReconcileTrace[]>();
  readonly #told = new Set<ReconcileTrace>();

  constructor(traces: readonly ReconcileTrace[]) {
    for (const trace of traces) {
      this.#byId.set(trace.id, trace);
      for (const cause of trace.causes) {
        for (const id of idsOfCause(cause)) {
          const caused = this.#causedBy.get(id);
          if (caused) caused.push(trace);
          else this.#causedBy.set(id, [trace]);
        }
      }
    }
  }

  /** Empty where it was told already, below what caused it. */
  tell(trace: ReconcileTrace): string {
    if (this.#told.has(trace)) return '';
    return `${this.#lines(trace, 0).join('\n')}\n`;
  }

  #lines(trace: ReconcileTrace, depth: number): readonly string[] {
    this.#told.add(trace);
    const { reads, writes, echoes, moreCauses } = trace;
    const branches: (readonly string[])[] = [
      ...trace.causes.map((each) => [this.#cause(each, trace)]),
      ...(moreCauses > 0 ? [[`and ${moreCauses} more ${moreCauses === 1 ? 'event' : 'events'}`]] : []),
      [waitOf(trace)],
      ...readsOf(reads),
      ...writes.map((each) => [writeOf(each), ...this.#caused(each, trace, depth)]),
      ...(echoes > 0
        ? [[`${echoes} ${echoes === 1 ? 'event' : 'events'} of these writes did not make it run again`]]
        : []),
    ];
    return [headOf(trace), ...branches.flatMap((branch, at) => indented(branch, at === branches.length - 1))];
  }

  #cause(cause: Cause, { startedAt }: ReconcileTrace): string {
    const ago = `${durationOf(Math.max(0, startedAt - cause.at))} before`;
    if (!('watch' in cause)) {
      return cause.type === 'retry' ? `again, since it failed ${ago}` : `because it asked for it (requeueAfter) ${ago}`;
    }
    if (!('object' in cause)) return `because of a signal (${cause.watch}) ${ago}`;
    const { kind, object, type, resourceVersion, watch, writtenBy } = cause;
    const version = resourceVersion === undefined ? '' : ` (version ${resourceVersion})`;
    const through = watch === kind ? '' : `, by the watch "${watch}"`;
    return `because ${kind} ${object} was ${type}${version}${this.#by(writtenBy)}${through}, ${ago}`;
  }

  #by(writer: number | undefined): string {
    if (writer === undefined) return ' by somebody else';
    const trace = this.#byId.get(writer);
    return trace ? ` by #${writer} of ${trace.controller} ${trace.key}` : ` by #${writer}`;
  }

  #caused(write: TracedWrite, writer: ReconcileTrace, depth: number): readonly string[] {
    const id = idOfWrite(write);
    const caused = id === undefined ? [] : (this.#causedBy.get(id) ?? []);
    const later = caused.filter((each) => each !== writer && each.id > writer.id);
    return later.flatMap((each, at) => {
      const lines = this.#told.has(each) || depth >= deepest ? [`${headOf(each)} …`] : this.#lines(each, depth + 1);
      return indented(lines, at === later.length - 1);
    });
  }
}

function indented([first = '', ...rest]: readonly string[], last: boolean): readonly string[] {
  return [`${last ? '└─' : '├─'} ${first}`, ...rest.map((each) => `${last ? '  ' : '│ '} ${each}`)];
}

const endings: Readonly<Record<ReconcileTrace['outcome'], string>> = {
  success: 'went well',
  requeueAfter: 'went well, and is to run again later',
  error: 'failed',
  terminal: 'failed for good',
  timeout: 'took too long',
  aborted: 'was stopped',
};

function headOf({ id, controller, key, outcome, startedAt, endedAt, error, failures }: ReconcileTrace): string {
  const times = failures > 1 ? `, ${failures} times in a row` : '';
  const why = error === undefined ? '' : `: ${messageOf(error)}`;
  const at = new Date(startedAt).toISOString().slice(11, 23);
  return `#${id} ${controller} ${key} at ${at} ${endings[outcome]} after ${durationOf(endedAt - startedAt)}${times}${why}`;
}

function waitOf({ addedAt, startedAt, caughtUpMs, priority }: ReconcileTrace): string {
  const caches = caughtUpMs > 0 ? `, then ${durationOf(caughtUpMs)} for the caches to see its own last writes` : '';
  return `waited ${durationOf(Math.max(0, startedAt - addedAt))} in the queue (${priority})${caches}`;
}

function readsOf(reads: readonly TracedRead[]): readonly (readonly string[])[] {
  if (reads.length === 0) return [];
  const said = reads
    .slice(0, mostReads)
    .map(({ kind, key, from, error }) => `${kind} ${key} (${from}${error === undefined ? '' : `: ${error}`})`);
  const more = reads.length > mostReads ? ` and ${reads.length - mostReads} more` : '';
  return [[`read ${said.join(', ')}${more}`]];
}

function writeOf({ verb, kind, key, resourceVersion, noOp, error, tookMs, line, changes = [] }: TracedWrite): string {
  const outcome =
    error !== undefined
      ? `failed: ${error}`
      : noOp
        ? 'changed nothing'
        : `${resourceVersion === undefined ? 'done' : `version ${resourceVersion}`}${changes.length > 0 ? `, changed ${changes.join(', ')}` : ''}`;
  return `${verb} ${kind} ${key}: ${outcome} (${durationOf(tookMs)}${line === undefined ? '' : `, ${line}`})`;
}

function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
