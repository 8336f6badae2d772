/** One node of a graph: what stands before it. */
export interface Ordered {
  readonly after?: readonly string[];
}

/** What one pass found of a dependent. */
export interface DependentState {
  /** `unknown`: it waits for others, and was not asked what it wants. */
  readonly wanted: 'yes' | 'no' | 'unknown';
  /** All that it wants is there and ready. */
  readonly ready: boolean;
  /** Something of it is there that is not wanted any more. */
  readonly surplus: boolean;
}

/**
 * Which dependent comes after which. Something begins when all before it are settled, and goes when all after it are
 * clear of it; both follow from the states alone.
 */
export class DependentGraph {
  /** Each after all that stand before it; else as they were declared. */
  readonly order: readonly string[];
  readonly #before: ReadonlyMap<string, readonly string[]>;
  readonly #after: ReadonlyMap<string, readonly string[]>;

  /** @throws TypeError that names the path where a name is unknown, or where the way leads back to its beginning */
  constructor(nodes: Readonly<Record<string, Ordered>>) {
    const names = Object.keys(nodes);
    const before = new Map(names.map((name) => [name, [...new Set(nodes[name]?.after ?? [])]]));
    for (const [name, list] of before) {
      const unknown = list.find((each) => !before.has(each));
      if (unknown === undefined) continue;
      throw new TypeError(`dependents.${name}.after: there is no "${unknown}"; there are ${names.join(', ')}`);
    }
    this.order = ordered(before);
    this.#before = before;
    const after = new Map<string, string[]>(names.map((name) => [name, []]));
    for (const [name, list] of before) for (const each of list) after.get(each)?.push(name);
    this.#after = after;
  }

  /** Whether their order matters at all. */
  get hasOrder(): boolean {
    return [...this.#before.values()].some((each) => each.length > 0);
  }

  /** Those directly before it that are not settled: with any it has to wait. */
  awaited(name: string, states: ReadonlyMap<string, DependentState>): readonly string[] {
    return this.before(name).filter((each) => !this.isSettled(each, states));
  }

  /** Those directly after it because of which nothing of it may be removed. */
  holders(name: string, states: ReadonlyMap<string, DependentState>): readonly string[] {
    return this.after(name).filter((each) => !this.isClear(each, states));
  }

  /** What is not wanted is settled with what stands before it, so that the order holds across it. */
  isSettled(name: string, states: ReadonlyMap<string, DependentState>): boolean {
    const state = states.get(name);
    if (!state || state.wanted === 'unknown' || (state.wanted === 'yes' && !state.ready)) return false;
    return this.awaited(name, states).length === 0;
  }

  /** Whether neither it nor anything after it may still need what was there before. */
  isClear(name: string, states: ReadonlyMap<string, DependentState>): boolean {
    const state = states.get(name);
    if (!state || state.surplus) return false;
    if (state.wanted !== 'no' && !this.isSettled(name, states)) return false;
    return this.holders(name, states).length === 0;
  }

  before(name: string): readonly string[] {
    return this.#before.get(name) ?? [];
  }

  after(name: string): readonly string[] {
    return this.#after.get(name) ?? [];
  }
}

function ordered(before: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const order: string[] = [];
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]) => {
    if (done.has(name)) return;
    const at = path.indexOf(name);
    if (at >= 0) {
      throw new TypeError(
        `dependents: each of these would wait for the next: ${[...path.slice(at), name].join(' → ')}`,
      );
    }
    for (const each of before.get(name) ?? []) visit(each, [...path, name]);
    done.add(name);
    order.push(name);
  };
  for (const name of before.keys()) visit(name, []);
  return order;
}
