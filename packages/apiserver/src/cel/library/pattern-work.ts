/** Steps of looking for patterns that one turn of the event loop may take: well below a tenth of a second. */
const mostSteps = 2_000_000;

/**
 * Counts what looking for patterns takes until others have had their turn. Patterns and texts come from clients, who could
 * make each other wait for minutes: a pattern of some characters on a text of a megabyte takes so long.
 */
export class PatternWork {
  #left = mostSteps;
  #counting = false;

  /** False: so much must not be done now. */
  take(steps: number): boolean {
    if (!this.#counting) {
      this.#counting = true;
      setImmediate(() => {
        this.#left = mostSteps;
        this.#counting = false;
      });
    }
    this.#left -= steps;
    return this.#left >= 0;
  }
}

/** One for all: they share one event loop. */
export const patternWork = new PatternWork();

/** It would have taken too long to look for a pattern; nobody knows whether it is there. */
export class PatternWorkError extends Error {
  override readonly name = 'PatternWorkError';
}
