import type { Registry } from 'prom-client';

/** Metrics of the process itself: memory, processor, event loop. What they need is loaded when they are first asked for. */
export class ProcessMetrics {
  #registry: Promise<Registry> | undefined;

  /** In the text format of Prometheus. */
  async text(): Promise<string> {
    this.#registry ??= load();
    return (await this.#registry).metrics();
  }
}

async function load(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
