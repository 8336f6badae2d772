import type { Cause, ReconcileTrace, TracedWrite } from '../controller/index.ts';
import type { DevelopmentWarning } from './warning.ts';

/** So many reconciles of a key, each caused by the one before, within so long are a loop. */
const mostInARow = 20;
const windowMs = 10_000;
const mostRemembered = 2_000;

interface Link {
  readonly trace: ReconcileTrace;
  /** The number of the reconcile without which this one would not have been; absent where anything from outside was a cause too. */
  readonly parent: number | undefined;
  /** What of the parent caused this one. */
  readonly fed: TracedWrite | 'requeueAfter' | undefined;
}

/**
 * Finds keys that are reconciled again and again without anything from outside: a reconcile writes, the write's event
 * makes it run again, perhaps by way of other controllers of the same process.
 */
export class HotLoops {
  readonly #links = new Map<number, Link>();
  readonly #last = new Map<string, number>();

  add(trace: ReconcileTrace): DevelopmentWarning | undefined {
    const link = this.#linked(trace);
    const id = idOf(trace);
    remember(this.#links, trace.id, link);
    remember(this.#last, id, trace.id);
    let again = 0;
    for (let each = this.#parentOf(link); each; each = this.#parentOf(each)) {
      const agoMs = trace.startedAt - each.trace.startedAt;
      if (agoMs > windowMs) break;
      if (idOf(each.trace) === id) again += 1;
      if (again >= mostInARow) return warningOf(trace, link.fed, agoMs);
    }
    return undefined;
  }

  #linked(trace: ReconcileTrace): Link {
    const alone: Link = { trace, parent: undefined, fed: undefined };
    const [first] = trace.causes;
    if (!first || trace.moreCauses > 0) return alone;
    if (trace.causes.every((each) => each.type === 'requeueAfter')) {
      return { trace, parent: this.#last.get(idOf(trace)), fed: 'requeueAfter' };
    }
    let latest: { readonly writer: Link; readonly cause: Cause } | undefined;
    for (const cause of trace.causes) {
      const writer = this.#writerOf(cause);
      if (!writer) return alone;
      if (!latest || writer.trace.id > latest.writer.trace.id) latest = { writer, cause };
    }
    if (!latest) return alone;
    const { writer, cause } = latest;
    return { trace, parent: writer.trace.id, fed: writeBehind(cause, writer.trace) };
  }

  #writerOf(cause: Cause): Link | undefined {
    const writer = 'writtenBy' in cause ? cause.writtenBy : undefined;
    return writer === undefined ? undefined : this.#links.get(writer);
  }

  /** Numbers only fall on the way, so it has an end. */
  #parentOf({ parent, trace }: Link): Link | undefined {
    return parent === undefined || parent >= trace.id ? undefined : this.#links.get(parent);
  }
}

const idOf = ({ controller, key }: ReconcileTrace) => `${controller}\n${key}`;

function writeBehind(cause: Cause, { writes }: ReconcileTrace): TracedWrite | undefined {
  if (!('object' in cause)) return undefined;
  const ofObject = writes.filter(({ kind, key }) => kind === cause.kind && key === cause.object);
  return ofObject.find((each) => each.resourceVersion === cause.resourceVersion) ?? ofObject.at(-1);
}

function warningOf(trace: ReconcileTrace, fed: Link['fed'], tookMs: number): DevelopmentWarning {
  const { controller, key } = trace;
  const ran = `${controller} ran ${mostInARow + 1} times for ${key} within ${(tookMs / 1_000).toFixed(1)} s, and nothing from outside made it`;
  if (fed === 'requeueAfter') {
    return {
      kind: 'hot-loop',
      place: `requeueAfter of ${controller}`,
      message: `${ran}: it asks to run again after so short a time`,
      advice: 'watch what it waits for (`owns`, `references`, `watches`), or give a longer requeueAfter',
    };
  }
  if (!fed) {
    return { kind: 'hot-loop', place: controller, message: ran, advice: 'look at `keelson trace` for what feeds it' };
  }
  const { verb, kind, key: object, line, changes = [] } = fed;
  const changed = changes.length > 0 ? `, which changes ${changes.join(', ')} each time` : '';
  return {
    kind: 'hot-loop',
    place: line ?? `${verb} ${kind} of ${controller}`,
    message: `${ran}: its own ${verb} of ${kind} ${object}${line === undefined ? '' : ` (${line})`} feeds it${changed}`,
    advice:
      'write only what differs, and nothing that is another value each time, such as the time of day or a counter',
  };
}

function remember<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= mostRemembered) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
