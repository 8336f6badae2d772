import type { Logger } from '@keelson/core';

/**
 * What has to be looked at, each once however often it changed meanwhile, one after the other. A look that fails is
 * logged; the next change of the object brings the next.
 */
export class PendingKeys {
  readonly #keys = new Set<string>();
  readonly #logger: Logger;
  readonly #what: string;
  readonly #look: (key: string) => Promise<void>;
  #working = false;
  #stopped = false;

  constructor(logger: Logger, what: string, look: (key: string) => Promise<void>) {
    this.#logger = logger;
    this.#what = what;
    this.#look = look;
  }

  add(key: string): void {
    this.#keys.add(key);
    if (!this.#working) void this.#work();
  }

  stop(): void {
    this.#stopped = true;
    this.#keys.clear();
  }

  async #work(): Promise<void> {
    this.#working = true;
    // Not within the callback of whoever told of the change.
    await Promise.resolve();
    for (const key of this.#keys) {
      if (this.#stopped) break;
      this.#keys.delete(key);
      try {
        await this.#look(key);
      } catch (error) {
        if (!this.#stopped)
          this.#logger.warn(`${this.#what} could not be looked after`, { name: key, error: String(error) });
      }
    }
    this.#working = false;
  }
}
