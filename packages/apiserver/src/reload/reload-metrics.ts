import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { NumberSeries } from '@keelson/core/metrics';
import type { ReloadObserver } from './watched-file.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** Which of several API servers speaks, in metrics: the digest of a name made of the machine's. */
const identity = `sha256:${sha256(`apiserver-${sha256(hostname()).slice(0, 26)}`)}`;

/** How often a configuration was read anew and which one is used, under the names that Kubernetes gives these metrics. */
export class ReloadMetrics implements ReloadObserver {
  readonly #last: NumberSeries;
  readonly #total: NumberSeries;
  readonly #info: NumberSeries;

  constructor(kind: 'authentication' | 'authorization' | 'encryption') {
    const name = `apiserver_${kind}_config_controller`;
    const labels = ['apiserver_id_hash', 'status'];
    this.#last = new NumberSeries({
      type: 'gauge',
      name: `${name}_automatic_reload_last_timestamp_seconds`,
      help: `When the ${kind} configuration was last read anew, in seconds since the epoch.`,
      labels,
    });
    this.#total = new NumberSeries({
      type: 'counter',
      name: `${name}_automatic_reloads_total`,
      help: `How often the ${kind} configuration was read anew.`,
      labels,
    });
    this.#info = new NumberSeries({
      type: 'gauge',
      name: `${name}_last_config_info`,
      help: `The digest of the ${kind} configuration that is used.`,
      labels: ['apiserver_id_hash', 'hash'],
    });
  }

  applied(hash: string): void {
    this.#info.clear();
    this.#info.add([identity, `sha256:${hash}`]);
  }

  reloaded(status: 'success' | 'failure', at: number): void {
    this.#total.add([identity, status]);
    this.#last.set([identity, status], at / 1000);
  }

  text(): string {
    return [this.#last, this.#total, this.#info].map((each) => each.text()).join('');
  }
}
