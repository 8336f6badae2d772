import { Agent, request as httpsRequest } from 'node:https';
import type { Clock } from '@keelson/core';

export interface JsonRequest {
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface JsonClientOptions {
  readonly clock: Clock;
  /** PEM of the authorities that the server's certificate must lead to; without it those of the machine count. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

/** An answer that is no 2xx: the `cause` of what `ask` rejects with. */
export class HttpStatusError extends Error {
  readonly code: number;
  readonly body: string;

  constructor(code: number, body: string) {
    super(`unexpected status ${code}`);
    this.code = code;
    this.body = body;
  }
}

/** There was no answer in time: the `cause` of what `ask` rejects with. */
export class LateAnswerError extends Error {}

const longestAnswer = 1024 * 1024;

/** Asks one server for JSON, over HTTPS and nothing else. Redirects are not followed; answers over 1 MiB are refused. */
export class JsonClient {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor({ clock, ca, cert, key, serverName, insecureSkipTlsVerify, timeoutMs = 30_000 }: JsonClientOptions) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#agent = new Agent({
      keepAlive: true,
      maxFreeSockets: 8,
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(serverName !== undefined && { servername: serverName }),
      ...(insecureSkipTlsVerify && { rejectUnauthorized: false }),
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The parsed body of a 2xx. Rejects for everything else, with the URL. */
  async ask(url: string, { method = 'GET', body, headers = {} }: JsonRequest = {}): Promise<unknown> {
    const late = new AbortController();
    const cancel = this.#clock.after(this.#timeoutMs, () =>
      late.abort(new LateAnswerError('the answer took too long')),
    );
    try {
      const text = await this.#send(url, method, body, headers, late.signal);
      return JSON.parse(text);
    } catch (error) {
      const why = late.signal.aborted ? late.signal.reason : error;
      const verb = method === 'GET' ? 'Get' : 'Post';
      throw new Error(`${verb} ${JSON.stringify(url)}: ${why instanceof Error ? why.message : String(why)}`, {
        cause: why,
      });
    } finally {
      cancel();
    }
  }

  #send(
    url: string,
    method: string,
    body: string | undefined,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
      const sent = httpsRequest(url, {
        agent: this.#agent,
        method,
        signal,
        headers: { accept: 'application/json', 'user-agent': 'kube-apiserver', ...length, ...headers },
      });
      sent.once('error', reject);
      sent.once('response', (answer) => {
        const parts: Buffer[] = [];
        let size = 0;
        answer.on('data', (part: Buffer) => {
          size += part.length;
          if (size > longestAnswer) sent.destroy(new Error('the answer is too long'));
          else parts.push(part);
        });
        answer.once('error', reject);
        answer.once('end', () => {
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode < 300) resolve(Buffer.concat(parts).toString('utf8'));
          else reject(new HttpStatusError(statusCode, Buffer.concat(parts).toString('utf8').slice(0, 2048).trim()));
        });
      });
      sent.end(body);
    });
  }
}
