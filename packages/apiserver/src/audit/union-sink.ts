import type { AuditEvent } from './audit-event.ts';
import type { AuditSink } from './sink.ts';

/** Several sinks, each of which gets everything. */
export class UnionSink implements AuditSink {
  readonly name = 'union';
  readonly #all: readonly AuditSink[];

  constructor(all: readonly AuditSink[]) {
    this.#all = all;
  }

  process(events: readonly AuditEvent[]): boolean | Promise<boolean> {
    const outcomes = this.#all.map((each) => each.process(events));
    if (outcomes.every((each) => each === true)) return true;
    return Promise.all(outcomes).then((all) => all.every((each) => each));
  }

  ready(): Promise<void> | undefined {
    const waits = this.#all.flatMap((each) => each.ready() ?? []);
    return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((each) => each.close()));
  }
}

/** Does not let those who tell wait, but for the one who asks for it: a request that cannot be taken down is refused then. */
export class StrictSink implements AuditSink {
  readonly name: string;
  readonly #next: AuditSink;
  readonly #strict: boolean;

  /** @param strict whether the loss of a request's first event refuses the request */
  constructor(next: AuditSink, strict: boolean) {
    this.name = next.name;
    this.#next = next;
    this.#strict = strict;
  }

  async process(events: readonly AuditEvent[]): Promise<boolean> {
    const taken = await this.#next.process(events);
    if (taken || !this.#strict) return true;
    return !events.some(({ stage }) => stage === 'RequestReceived');
  }

  ready(): Promise<void> | undefined {
    return this.#next.ready();
  }

  close(): Promise<void> {
    return this.#next.close();
  }
}
