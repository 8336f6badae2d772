import type { Webhook } from '@keelson/core/admission';
import type { Webhooks } from '@keelson/core/crd';
import type { LocalWebhooks } from '../admission/webhook/index.ts';

/** Where the API server finds what operators serve. */
const origin = 'https://webhooks.simulated';

/** Webhooks of simulated processes: asked without sockets, so that they are answered in the order of virtual time. */
export class SimulatedWebhooks {
  #refusals = 0;
  /** By path, those of processes that live. */
  readonly #served = new Map<string, Set<Webhook>>();

  /** For the API server. */
  readonly at: LocalWebhooks = (url) => {
    if (!url.startsWith(`${origin}/`)) return undefined;
    const [first] = this.#served.get(url.slice(origin.length)) ?? [];
    if (!first) this.#refusals += 1;
    return first ?? 'refused';
  };

  /** How often nobody was there to answer. */
  get refusals(): number {
    return this.#refusals;
  }

  /** For one life of a process. */
  open(): Webhooks & { close(): void } {
    const own = new Map<string, Webhook>();
    return {
      installedBy: 'operator',
      serve: async (webhooks, tell, signal) => {
        for (const [path, webhook] of Object.entries(webhooks)) {
          own.set(path, webhook);
          const others = this.#served.get(path) ?? new Set();
          this.#served.set(path, others.add(webhook));
        }
        await tell((path) => ({ url: `${origin}${path}` }), signal);
      },
      close: () => {
        for (const [path, webhook] of own) this.#served.get(path)?.delete(webhook);
      },
    };
  }
}
