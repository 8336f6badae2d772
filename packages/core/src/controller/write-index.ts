import type { Cause, TracedWrite } from './trace.ts';

/**
 * Which reconcile has written which version of an object: so that an event can be led back to the reconcile that caused
 * it. The oldest writes are forgotten.
 */
export class WriteIndex {
  readonly #capacity: number;
  readonly #writers = new Map<string, number>();

  /** @param capacity writes that are remembered; default 10,000 */
  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  record(trace: number, write: TracedWrite): void {
    const id = idOfWrite(write);
    if (id === undefined) return;
    // Anew, so that what was written last is forgotten last.
    this.#writers.delete(id);
    this.#writers.set(id, trace);
    if (this.#writers.size <= this.#capacity) return;
    for (const oldest of this.#writers.keys()) {
      this.#writers.delete(oldest);
      return;
    }
  }

  /** The number of the reconcile that caused the event; `undefined` where somebody else did, or it is too long ago. */
  writerOf(cause: Cause): number | undefined {
    for (const each of idsOfCause(cause)) {
      const writer = this.#writers.get(each);
      if (writer !== undefined) return writer;
    }
    return undefined;
  }
}

/** What a write and the event that it causes have in common; `undefined` where a write causes none. */
export function idOfWrite({
  kind,
  key,
  cluster = '',
  verb,
  resourceVersion,
  error,
  noOp,
}: TracedWrite): string | undefined {
  if (error !== undefined || noOp) return undefined;
  if (resourceVersion !== undefined) return `${cluster}\n${kind}\n${key}\n${resourceVersion}`;
  return verb === 'delete' ? `${cluster}\n${kind}\n${key}\ngone` : undefined;
}

/** The ids of the writes that may have caused it, the likeliest first. */
export function idsOfCause(cause: Cause): readonly string[] {
  if (!('object' in cause)) return [];
  const { kind, object, cluster = '', resourceVersion, type } = cause;
  const gone = type === 'deleted' ? [`${cluster}\n${kind}\n${object}\ngone`] : [];
  return resourceVersion === undefined ? gone : [...gone, `${cluster}\n${kind}\n${object}\n${resourceVersion}`];
}
