import type { KubernetesObject } from '@keelson/core';
import type { Reinvocation } from '@keelson/core/admission';

/** What the second round must know of the first. */
export class InvocationRounds {
  /** Those of a plugin in one request; new ones where nobody may be asked again. */
  static of(plugin: string, reinvocation: Reinvocation | undefined): InvocationRounds {
    const kept = reinvocation?.kept.get(plugin);
    if (kept instanceof InvocationRounds) return kept;
    const made = new InvocationRounds();
    reinvocation?.kept.set(plugin, made);
    return made;
  }

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
