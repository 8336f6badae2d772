import { NumberSeries } from '@keelson/core/metrics';
import { type Reply, textReply } from './reply.ts';

export interface HealthCheck {
  readonly name: string;
  /** Under which paths it is asked; default all three. */
  readonly endpoints?: readonly HealthEndpoint[];
  /** Rejects while unhealthy. */
  check(): Promise<void>;
}

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

const endpoints = ['healthz', 'livez', 'readyz'] as const;
const endpointOf = (name: string) => endpoints.find((each) => each === name);

/** `/healthz`, `/livez` and `/readyz` with their single checks, `?verbose` and `?exclude=`, in Kubernetes' format. */
export class Health {
  readonly #checks: HealthCheck[] = [];

  add(check: HealthCheck): void {
    this.#checks.push(check);
  }

  /** All paths, for the index. */
  paths(): string[] {
    return endpoints.flatMap((endpoint) => [
      `/${endpoint}`,
      ...this.#of(endpoint).map(({ name }) => `/${endpoint}/${name}`),
    ]);
  }

  /** `undefined`: no such path. */
  async answer(path: string, query: URLSearchParams): Promise<Reply | undefined> {
    const [, first = '', ...rest] = path.split('/');
    const endpoint = endpointOf(first);
    if (!endpoint) return undefined;
    const checks = this.#of(endpoint);
    if (rest.length === 0) return this.#all(endpoint, checks, query);
    const single = checks.find(({ name }) => name === rest.join('/'));
    if (!single) return undefined;
    const failed = await failure(single);
    if (failed !== undefined) return textReply(500, `internal server error: ${failed}\n`);
    return { code: 200, contentType: 'text/plain; charset=utf-8', body: 'ok' };
  }

  /** What `/metrics/slis` says: whether each check passes now. */
  async metrics(): Promise<string> {
    const series = new NumberSeries({
      type: 'gauge',
      name: 'kubernetes_healthcheck',
      help: '1 while a check passes, 0 while it does not.',
      labels: ['name', 'type'],
    });
    for (const type of endpoints) {
      const checks = this.#of(type);
      const failed = await Promise.all(checks.map(failure));
      for (const [index, { name }] of checks.entries()) series.add([name, type], failed[index] === undefined ? 1 : 0);
    }
    return series.text();
  }

  #of(endpoint: HealthEndpoint): HealthCheck[] {
    return this.#checks.filter((each) => each.endpoints?.includes(endpoint) ?? true);
  }

  async #all(endpoint: HealthEndpoint, checks: readonly HealthCheck[], query: URLSearchParams): Promise<Reply> {
    const excluded = new Set(query.getAll('exclude').flatMap((each) => each.split(',')));
    const failed: string[] = [];
    const lines = await Promise.all(
      checks.map(async (check) => {
        if (excluded.delete(check.name)) return `[+]${check.name} excluded: ok`;
        const why = await failure(check);
        if (why === undefined) return `[+]${check.name} ok`;
        failed.push(check.name);
        return `[-]${check.name} failed: reason withheld`;
      }),
    );
    if (excluded.size > 0) {
      const names = [...excluded].map((each) => JSON.stringify(each)).join(', ');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    if (failed.length > 0) return textReply(500, `${lines.join('\n')}\n${endpoint} check failed\n`);
    return query.has('verbose')
      ? textReply(200, `${lines.join('\n')}\n${endpoint} check passed\n`)
      : textReply(200, 'ok');
  }
}

async function failure(check: HealthCheck): Promise<string | undefined> {
  try {
    await check.check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
