/** Requests of one connection that are begun in one turn of the event loop. */
const perConnection = 8;
/** Of all connections that wait, and as many again of those that have not waited. */
const perTurn = 16;

interface Line {
  begun: number;
  readonly waiting: (() => void)[];
}

/**
 * In which turn of the event loop a request is begun. A connection may bring hundreds of requests at once; however many it
 * brings, those of another come after a few of them, and after none if they are the only ones of theirs.
 */
export class RequestTurns<Connection extends object> {
  /** Those that began something in this turn, or wait; who waits longest is first. */
  readonly #lines = new Map<Connection, Line>();
  #begun = 0;
  #scheduled = false;

  /** Calls `start` at once or in one of the next turns. */
  begin(connection: Connection, start: () => void): void {
    let line = this.#lines.get(connection);
    if (!line) {
      line = { begun: 0, waiting: [] };
      this.#lines.set(connection, line);
      this.#schedule();
    }
    if (line.waiting.length === 0 && line.begun < perConnection && this.#begun < 2 * perTurn) {
      line.begun++;
      this.#begun++;
      start();
    } else line.waiting.push(start);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    this.#begun = 0;
    const starts: (() => void)[] = [];
    for (const [connection, line] of [...this.#lines]) {
      if (line.waiting.length === 0) {
        this.#lines.delete(connection);
        continue;
      }
      line.begun = 0;
      if (starts.length >= perTurn) continue;
      const next = line.waiting.splice(0, Math.min(perConnection, perTurn - starts.length));
      line.begun = next.length;
      starts.push(...next);
      // To the end of the line.
      this.#lines.delete(connection);
      this.#lines.set(connection, line);
    }
    if (this.#lines.size > 0) this.#schedule();
    this.#begun = starts.length;
    for (const start of starts) start();
  }
}
