import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Logger } from '../plugin/index.ts';
import { ServerConnections } from '../streaming/index.ts';
import type { ListenAddress } from './listen-address.ts';

/** What one path, and all below it, answers. */
export type StatusRoute = (request: StatusRequest, response: ServerResponse) => Promise<void> | void;

export interface StatusRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly message: IncomingMessage;
  /** Aborted when whoever asks has gone. */
  readonly signal: AbortSignal;
}

export interface StatusServerOptions {
  readonly address: ListenAddress;
  /** By the first part of the path. */
  readonly routes: ReadonlyMap<string, StatusRoute>;
  /** PEM; without it, plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly logger: Logger;
}

const headersMs = 5_000;
const requestMs = 10_000;
const mostConnections = 100;
/** Paths are read relative to it. */
const base = 'http://status';

/** A small HTTP server for probes, scrapers and developers: GET and HEAD only, few connections, short headers. */
export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #server: Server | SecureServer;
  readonly #connections: ServerConnections;
  #port = 0;

  constructor(options: StatusServerOptions) {
    this.#options = options;
    const limits = { headersTimeout: headersMs, requestTimeout: requestMs, maxHeaderSize: 8_192 };
    const listener = (message: IncomingMessage, response: ServerResponse) => void this.#answer(message, response);
    this.#server = options.tls
      ? createSecureServer({ ...limits, ...options.tls, minVersion: 'TLSv1.2' }, listener)
      : createServer(limits, listener);
    this.#server.maxConnections = mostConnections;
    this.#connections = new ServerConnections(this.#server);
  }

  /** The port listened on. */
  get port(): number {
    return this.#port;
  }

  /** Resolves when it listens. Rejects where the port is taken. */
  async start(): Promise<void> {
    const { host, port } = this.#options.address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, ...(host !== undefined && { host }) }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    // A probe must not keep a process that has nothing else to do.
    this.#server.unref();
    const address = this.#server.address();
    if (typeof address === 'object' && address) this.#port = address.port;
  }

  async stop(): Promise<void> {
    await this.#connections.close();
  }

  async #answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { routes, logger } = this.#options;
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    message.resume();
    try {
      if (message.method !== 'GET' && message.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        return answerText(response, 405, 'only GET is answered\n');
      }
      const asked = message.url ?? '/';
      if (!URL.canParse(asked, base)) return answerText(response, 400, 'no path\n');
      const { pathname: path, searchParams: query } = new URL(asked, base);
      const route = routes.get(path.split('/')[1] ?? '');
      if (!route) return answerText(response, 404, '404 page not found\n');
      await route({ path, query, message, signal: gone.signal }, response);
    } catch (error) {
      if (gone.signal.aborted) return;
      logger.error('a status request failed', { url: message.url, error });
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'internal server error\n');
    }
  }
}

export function answerText(
  response: ServerResponse,
  code: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(code, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
  response.end(body);
}
