import { type Clock, messageOf } from '../machinery/index.ts';
import type { HealthCheck } from '../plugin/index.ts';

export interface TextAnswer {
  readonly code: number;
  readonly body: string;
}

type Endpoint = 'healthz' | 'readyz';

/** Whoever asks does not wait longer. */
const checkMs = 5_000;
const ping: HealthCheck = { name: 'ping', check: () => undefined };

/**
 * What `/healthz`, `/readyz` and the paths of single checks below them say, in the words of controller-runtime's and
 * Kubernetes' own endpoints. That it says anything shows that the event loop is alive.
 */
export class HealthEndpoint {
  readonly #checks: readonly HealthCheck[];
  readonly #clock: Pick<Clock, 'after'>;

  /** @throws Error when two checks of one endpoint have one name */
  constructor(checks: readonly HealthCheck[], clock: Pick<Clock, 'after'>) {
    this.#checks = [ping, ...checks];
    this.#clock = clock;
    for (const endpoint of ['healthz', 'readyz'] as const) {
      const names = this.#of(endpoint).map((each) => each.name);
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) throw new Error(`there are two health checks with the name "${twice}"`);
    }
  }

  /** `undefined`: there is no such path. `/livez` is another name of `/healthz`. */
  async answer(path: string, query: URLSearchParams): Promise<TextAnswer | undefined> {
    const [, first, ...rest] = path.split('/');
    const endpoint = first === 'livez' ? 'healthz' : first;
    if (endpoint !== 'healthz' && endpoint !== 'readyz') return undefined;
    const name = rest.join('/');
    if (name === '') return this.#all(endpoint, query);
    const single = this.#of(endpoint).find((each) => each.name === name);
    if (!single) return undefined;
    const failed = await this.#failure(single);
    return failed === undefined ? { code: 200, body: 'ok' } : { code: 500, body: `internal server error: ${failed}\n` };
  }

  #of(endpoint: Endpoint): readonly HealthCheck[] {
    return this.#checks.filter(({ endpoints }) => endpoints?.includes(endpoint) ?? true);
  }

  async #all(endpoint: Endpoint, query: URLSearchParams): Promise<TextAnswer> {
    const excluded = new Set(query.getAll('exclude'));
    const checks = this.#of(endpoint).toSorted((left, right) => (left.name < right.name ? -1 : 1));
    const lines = await Promise.all(
      checks.map(async (check) => {
        if (excluded.delete(check.name)) return `[+]${check.name} excluded: ok`;
        // Who may see why asks the check itself: this answer is for everybody.
        return (await this.#failure(check)) === undefined
          ? `[+]${check.name} ok`
          : `[-]${check.name} failed: reason withheld`;
      }),
    );
    const failed = lines.some((each) => each.startsWith('[-]'));
    if (!failed && !query.has('verbose')) return { code: 200, body: 'ok' };
    if (excluded.size > 0) {
      const names = [...excluded].map((each) => JSON.stringify(each)).join(', ');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    lines.push(`${endpoint} check ${failed ? 'failed' : 'passed'}`);
    return { code: failed ? 500 : 200, body: `${lines.join('\n')}\n` };
  }

  async #failure({ check }: HealthCheck): Promise<string | undefined> {
    const abort = new AbortController();
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(checkMs, () => {
        const error = new Error(`no answer within ${checkMs / 1_000} s`);
        reject(error);
        abort.abort(error);
      });
    });
    try {
      await Promise.race([(async () => check(abort.signal))(), late]);
      return undefined;
    } catch (error) {
      return messageOf(error);
    } finally {
      cancel();
    }
  }
}
