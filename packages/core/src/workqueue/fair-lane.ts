import { Fifo } from './fifo.ts';

interface Group<E> {
  readonly name: string;
  readonly entries: Fifo<E>;
}

/** Groups that are empty are kept for the next entry, up to so many. */
const mostIdleGroups = 1_024;

/** Entries in order within their group, and the groups in turn: whoever adds fifty thousand delays nobody else's one. */
export class FairLane<E> {
  readonly #groups = new Map<string, Group<E>>();
  /** Groups that have entries, in the order of their turns. */
  readonly #turns = new Fifo<Group<E>>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(entry: E, name: string): void {
    this.#length += 1;
    let group = this.#groups.get(name);
    if (!group) {
      group = { name, entries: new Fifo() };
      this.#groups.set(name, group);
    }
    if (group.entries.length === 0) this.#turns.push(group);
    group.entries.push(entry);
  }

  shift(): E | undefined {
    const group = this.#turns.shift();
    const entry = group?.entries.shift();
    if (!group || entry === undefined) return undefined;
    this.#length -= 1;
    if (group.entries.length > 0) this.#turns.push(group);
    else if (this.#groups.size > mostIdleGroups) this.#groups.delete(group.name);
    return entry;
  }

  /** Keeps what the predicate accepts, in order. */
  retain(keep: (entry: E) => boolean): void {
    this.#length = 0;
    this.#turns.clear();
    for (const [name, group] of this.#groups) {
      group.entries.retain(keep);
      this.#length += group.entries.length;
      if (group.entries.length > 0) this.#turns.push(group);
      else this.#groups.delete(name);
    }
  }

  clear(): void {
    this.#groups.clear();
    this.#turns.clear();
    this.#length = 0;
  }
}
