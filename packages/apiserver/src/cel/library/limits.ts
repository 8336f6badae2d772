import { CelError } from '../value.ts';

export const costExceeded = (): CelError => new CelError('operation cancelled: actual cost limit exceeded');

/** What one call may cost at most, in Kubernetes. */
export const greatestCallCost = 1_000_000;

/**
 * Steps of one call that its cost does not count. A list may hold another one many times, so that walking through all
 * of it takes more steps than there is memory: a walk that is longer than any call may cost ends in an error.
 */
export class Steps {
  #left = greatestCallCost;

  take(count = 1): void {
    this.#left -= count;
    if (this.#left < 0) throw costExceeded();
  }
}
