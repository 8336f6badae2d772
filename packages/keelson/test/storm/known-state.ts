import { ConnectionError } from '@keelson/core';

/** What a writer knows of one object: what was acknowledged last, and what was under way when the server fell. */
interface Known<T> {
  readonly acknowledged: T | undefined;
  readonly underWay?: { readonly value: T | undefined };
}

/** What may be read after a crash, by what was acknowledged before it. `undefined` stands for an object that is not there. */
export class KnownState<T> {
  readonly #known = new Map<string, Known<T>>();

  get names(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** The objects that are there for sure. */
  get present(): readonly string[] {
    return [...this.#known].filter(([, { acknowledged }]) => acknowledged !== undefined).map(([name]) => name);
  }

  /**
   * Does a write and takes down how it ends. Resolves to whether it was acknowledged; rejects with what `send` rejects
   * with, after a lost connection too: then the write may have happened or not.
   */
  async write(name: string, value: T | undefined, send: () => Promise<unknown>): Promise<void> {
    const { acknowledged } = this.#known.get(name) ?? { acknowledged: undefined };
    try {
      await send();
      this.#known.set(name, { acknowledged: value });
    } catch (error) {
      if (error instanceof ConnectionError) this.#known.set(name, { acknowledged, underWay: { value } });
      throw error;
    }
  }

  /** What is wrong with what was found after a crash, which is what holds from now on. */
  compare(found: ReadonlyMap<string, T>): readonly string[] {
    const problems: string[] = [];
    for (const [name, { acknowledged, underWay }] of this.#known) {
      const value = found.get(name);
      if (value === acknowledged || (underWay && value === underWay.value)) continue;
      problems.push(`${name}: ${String(value)} instead of ${String(acknowledged)}`);
    }
    for (const name of found.keys()) if (!this.#known.has(name)) problems.push(`${name}: nobody wrote it`);
    this.#known.clear();
    for (const [name, value] of found) this.#known.set(name, { acknowledged: value });
    return problems;
  }
}
