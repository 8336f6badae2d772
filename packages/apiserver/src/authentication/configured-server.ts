import type { ClientConfig, Clock } from '@keelson/core';
import { HttpStatusError, JsonClient } from './https-json.ts';

export interface ConfiguredServerOptions {
  readonly clock: Clock;
  /** Where the server is, with its path, and how this one shows itself to it. */
  readonly config: ClientConfig;
  /** Gives a random number in [0, 1): attempts after a failure are spread. */
  readonly random: () => number;
  /** For one attempt, in milliseconds; default 30 s. */
  readonly timeoutMs?: number;
  /** Told of each attempt: how many seconds it took, and what went wrong, if something did. */
  readonly attempted?: (seconds: number, error: unknown) => void;
}

const attempts = 5;
const firstPauseMs = 500;
const growth = 1.5;

/** A server that a kubeconfig names, asked by JSON. What may pass is tried again, a little later each time. */
export class ConfiguredServer {
  readonly #options: ConfiguredServerOptions;
  readonly #client: JsonClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #closing = new AbortController();

  constructor(options: ConfiguredServerOptions) {
    const { clock, config, timeoutMs } = options;
    this.#options = options;
    const { ca, cert, key, tlsServerName: serverName, insecureSkipTlsVerify } = config;
    this.#client = new JsonClient({
      clock,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { serverName }),
      ...(insecureSkipTlsVerify && { insecureSkipTlsVerify }),
    });
    const authorization = authorizationOf(config);
    this.#headers = { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) };
  }

  /** Ends connections, and pauses before another attempt. */
  close(): void {
    this.#closing.abort(new Error('the server is being stopped'));
    this.#client.close();
  }

  /**
   * The parsed answer to a POST. Rejects as `JsonClient`, with what went wrong last.
   * @param timeout the query's parameter of that name
   */
  async post(body: unknown, timeout?: string): Promise<unknown> {
    const { config, clock, random, attempted } = this.#options;
    let url = config.server;
    if (timeout !== undefined) {
      const full = new URL(url);
      full.searchParams.set('timeout', timeout);
      url = full.href;
    }
    const request = { method: 'POST', body: JSON.stringify(body), headers: this.#headers } as const;
    for (let attempt = 1; ; attempt++) {
      const begun = clock.now();
      try {
        const answer = await this.#client.ask(url, request);
        attempted?.((clock.now() - begun) / 1000, undefined);
        return answer;
      } catch (error) {
        attempted?.((clock.now() - begun) / 1000, error);
        if (attempt >= attempts || !passes(error)) throw error;
        const pauseMs = firstPauseMs * growth ** (attempt - 1) * (1 + 0.2 * random());
        await clock.sleep(pauseMs, this.#closing.signal);
      }
    }
  }
}

/** Whether another attempt may go better. */
function passes(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.cause instanceof HttpStatusError) return error.cause.code === 429 || error.cause.code >= 500;
  return /ECONNRESET|EPIPE|ECONNREFUSED/.test(error.message);
}

/** The header by which a kubeconfig's user says who they are; undefined where it names no token and no password. */
export function authorizationOf({ token, username, password }: ClientConfig): string | undefined {
  if (token !== undefined) return `Bearer ${token}`;
  if (username === undefined) return undefined;
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
}
