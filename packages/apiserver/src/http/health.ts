import { type Reply, textReply } from './reply.ts';

export interface HealthCheck {
  readonly name: string;
  /** Under which paths it is asked; default all three. */
  readonly endpoints?: readonly HealthEndpoint[];
  /** Rejects while unhealthy. */
  check(): Promise<void>;
}

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

const endpointOf = (name: string) => (['healthz', 'livez', 'readyz'] as const).find((each) => each === name);

/** `/healthz`, `/livez` and `/readyz` with their single checks, `?verbose` and `?exclude=`, in Kubernetes' format. */
export class Health {
  readonly #checks: HealthCheck[] = [];

  add(check: HealthCheck): void {
    this.#checks.push(check);
  }

  /** All paths, for the index. */
  paths(): string[] {
    return (['healthz', 'livez', 'readyz'] as const).flatMap((endpoint) => [
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
    if (rest.length === 0 || (rest.length === 1 && rest[0] === '')) return this.#all(endpoint, checks, query);
    const single = checks.find(({ name }) => name === rest.join('/'));
    if (!single) return undefined;
    const failed = await failure(single);
    return failed ? textReply(500, `internal server error: ${failed}\n`) : textReply(200, 'ok');
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
