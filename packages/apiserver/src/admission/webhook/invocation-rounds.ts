import type { KubernetesObject } from '@keelson/core';

/** What the second round must know of the first. */
export class InvocationRounds {
  /** Those that want to be asked again, and were asked. */
  #asked = new Set<string>();
  #again = new Set<string>();
  output: KubernetesObject | undefined;

  /** Something has changed since: whoever was asked before, and wants that, is asked again. */
  changed(): void {
    for (const each of this.#asked) this.#again.add(each);
    this.#asked = new Set();
  }

  wasAsked(id: string): void {
    this.#asked.add(id);
  }

  isDueAgain(id: string): boolean {
    return this.#again.has(id);
  }
}
