import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { isStatusError, messageOf } from '../machinery/index.ts';
import type { Lifecycle, Logger } from '../plugin/index.ts';
import { ServerConnections } from '../streaming/index.ts';

/** Answers one review, given and returned as JSON. Rejects with a `StatusError` for what is none. */
export type Webhook = (review: string, signal: AbortSignal) => Promise<string>;

/** What a server of webhooks serves, and where. */
export interface WebhookServerOptions {
  /** PEM of the certificate, with its intermediates, and of its key. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** By path, such as `/validate-widgets`; looked up at each request. */
  readonly webhooks: Readonly<Record<string, Webhook>>;
  readonly logger: Logger;
  /** Default: all addresses. */
  readonly host?: string;
  /** 0: any free one. Default 9443. */
  readonly port?: number;
  /**
   * The longest review that is taken, in bytes, for all paths or by path. Default 8 MiB: two objects of the largest size
   * that servers store.
   */
  readonly longestReview?: number | ((path: string) => number);
  /** Called with the path of each review; what it returns, at its end with the code of the answer, if it got one. */
  readonly observe?: (path: string) => (code: number | undefined) => void;
}

const mebibyte = 1024 * 1024;
const headersMs = 5_000;
const requestMs = 30_000;

/** A server of webhooks for any Kubernetes, for admission and conversion: HTTPS with TLS 1.2 or later, POST only. */
export class WebhookServer implements Lifecycle {
  readonly name = 'webhook-server';
  readonly phase = 'controllers';
  readonly #options: WebhookServerOptions;
  readonly #server: Server;
  readonly #connections: ServerConnections;
  readonly #stopped = new AbortController();
  #port = 0;

  constructor(options: WebhookServerOptions) {
    this.#options = options;
    const { cert, key } = options.certificate;
    this.#server = createServer(
      { cert, key, minVersion: 'TLSv1.2', headersTimeout: headersMs, requestTimeout: requestMs },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          options.logger.warn('a review could not be answered', { error: String(error) });
          response.destroy();
        });
      },
    );
    this.#connections = new ServerConnections(this.#server);
  }

  /** The port listened on. */
  get port(): number {
    return this.#port;
  }

  /** Uses another certificate for all connections to come: certificates end, and a server need not for it. */
  renew({ cert, key }: WebhookServerOptions['certificate']): void {
    this.#server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
  }

  /** Resolves when it listens. Rejects where the port is taken. */
  async start(): Promise<void> {
    const { host, port = 9443, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
    logger.info('webhooks are served', { port: this.#port, paths: Object.keys(this.#options.webhooks) });
  }

  /** Reviews that are being answered are finished until the signal aborts. */
  async stop(signal: AbortSignal = AbortSignal.abort()): Promise<void> {
    const cut = () => this.#stopped.abort();
    if (signal.aborted) cut();
    else signal.addEventListener('abort', cut, { once: true });
    await this.#connections.close(signal);
    signal.removeEventListener('abort', cut);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { webhooks, logger, longestReview = 8 * mebibyte, observe } = this.#options;
    const path = (request.url ?? '').split('?')[0] ?? '';
    const webhook = Object.hasOwn(webhooks, path) ? webhooks[path] : undefined;
    if (!webhook) return refuse(response, 404, 'there is no webhook of this path');
    const over = observe?.(path);
    if (over) response.once('close', () => over(response.headersSent ? response.statusCode : undefined));
    if (request.method !== 'POST') return refuse(response, 405, 'webhooks are asked by POST');
    const longest = typeof longestReview === 'number' ? longestReview : longestReview(path);
    const text = await readBody(request, longest);
    if (text === undefined) return refuse(response, 413, `reviews are at most ${longest} bytes long`);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const answer = await webhook(text, AbortSignal.any([gone.signal, this.#stopped.signal]));
      if (gone.signal.aborted) return;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
      response.end(answer);
    } catch (error) {
      if (gone.signal.aborted) return;
      if (isStatusError(error)) return refuse(response, error.code, error.message);
      logger.error('a webhook failed', {
        path,
        error: error instanceof Error ? (error.stack ?? error.message) : error,
      });
      // Whoever asked is told by the server: what it was is what helps them.
      refuse(response, 500, messageOf(error));
    }
  }
}

function refuse(response: ServerResponse, code: number, text: string): void {
  // What is still coming is not read: the connection ends with the answer.
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(text);
}

/** Undefined where it is too long. */
async function readBody(request: IncomingMessage, longest: number): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > longest) return undefined;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longest) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
