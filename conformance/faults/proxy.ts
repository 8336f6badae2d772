import { randomBytes, timingSafeEqual } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2Session } from 'node:http2';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { kubeconfigYaml, type Pki } from '@keelson/apiserver';
import { Front, type FrontConnection } from './front.ts';
import type { ProxyFault } from './plan.ts';
import { type Answer, cut, isStreamFault, type StreamFault, statusOf, WatchStream, write } from './watch-stream.ts';

type Question = IncomingMessage | Http2ServerRequest;

/** How the server is reached, and with what certificate. */
export interface Upstream {
  readonly origin: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ProxyOptions {
  readonly upstream: Upstream;
  /** Certificates that the proxy shows: of an authority of their own. */
  readonly pki: Pki;
}

/** A namespace of a server that sends no bookmarks, and of one that is older than streamed lists. */
export const withoutBookmarks = 'faults-no-bookmarks';
export const withoutStreams = 'faults-no-streams';

interface Refusal {
  left: number;
  readonly of: (url: URL) => boolean;
  readonly answer: (answer: Answer) => void;
}

const refusals = 6;
const awayMs = 1_000;
const isWatch = (url: URL) => url.searchParams.has('watch');
const isList = (url: URL) => !isWatch(url) || url.searchParams.has('sendInitialEvents');
const continues = (url: URL) => isWatch(url) && Number(url.searchParams.get('resourceVersion')) > 0;
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'host']);

/** Stands before an API server, and does to one client what networks, servers and other proxies do. */
export class FaultProxy {
  readonly #token = randomBytes(24).toString('base64url');
  readonly #pki: Pki;
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<Http2Session>();
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<WatchStream>();
  readonly #refusals: Refusal[] = [];
  #cutLists = 0;
  #front: Front | undefined;
  #port = 0;
  #upstream: { readonly target: Upstream; readonly agent: Agent };

  private constructor({ upstream, pki }: ProxyOptions) {
    this.#pki = pki;
    this.#upstream = { target: upstream, agent: agentFor(upstream) };
    this.#server = createSecureServer(
      { cert: pki.server.certificate, key: pki.server.key, allowHTTP1: true, settings: { maxConcurrentStreams: 250 } },
      (question, answer) => this.#serve(question, answer),
    );
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
    });
    // Whoever is reset in the middle of the handshake ends here.
    this.#server.on('tlsClientError', (_, socket) => socket.destroy());
  }

  static async start(options: ProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    proxy.#front = new Front((proxy.#server.address() as AddressInfo).port);
    proxy.#port = await proxy.#front.listen();
    return proxy;
  }

  /** For its client, as YAML. */
  get kubeconfig(): string {
    const server = `https://127.0.0.1:${this.#port}`;
    return kubeconfigYaml({ server, ca: this.#pki.ca, credentials: { token: this.#token } });
  }

  /** The server is somewhere else now. */
  set upstream(target: Upstream) {
    this.#upstream.agent.destroy();
    this.#upstream = { target, agent: agentFor(target) };
  }

  /** @param which in [0, 1): which of the watches, where one is meant */
  apply(fault: ProxyFault, which: number): void {
    const watches = [...this.#watches];
    const chosen = watches[Math.floor(which * watches.length)];
    const refuse = (left: number, of: Refusal['of'], answer: Refusal['answer']) => {
      this.#refusals.push({ left, of, answer });
    };
    const refuseAll = (answer: Refusal['answer']) => {
      refuse(refusals, () => true, answer);
      for (const each of watches) each.cut();
    };
    const applied: Readonly<Record<Exclude<ProxyFault, StreamFault>, () => void>> = {
      reset: () => this.#front?.reset(),
      freeze: () => this.#front?.freeze(),
      away: () => this.#goAway(),
      stallBeforeHeaders: () => {
        refuse(1, isWatch, () => undefined);
        chosen?.cut();
      },
      goneAnswer: () => {
        refuse(2, continues, status(410, 'Expired', 'too old resource version: 1 (2)'));
        chosen?.cut();
      },
      tooManyRequests: () => refuseAll(status(429, 'TooManyRequests', 'please try again later', '1')),
      internalError: () => refuseAll(status(500, 'InternalError', 'an error on the server')),
      unavailable: () =>
        refuseAll((answer) => {
          answer.statusCode = 503;
          answer.end('no healthy upstream');
        }),
      cutList: () => {
        this.#cutLists += 1;
        chosen?.plan('goneEvent');
      },
      expiredPages: () => {
        const expired = status(410, 'Expired', 'The provided continue parameter is too old');
        refuse(1, (url) => url.searchParams.has('continue'), expired);
        for (const each of watches) each.plan('goneEvent');
      },
    };
    if (isStreamFault(fault)) chosen?.plan(fault);
    else applied[fault]();
  }

  /** No more faults. What is half-open already stays so: it is for the client to find out. */
  calm(): void {
    this.#refusals.length = 0;
    this.#cutLists = 0;
    for (const each of this.#watches) each.calm();
  }

  async close(): Promise<void> {
    this.#upstream.agent.destroy();
    await this.#front?.close();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const each of this.#sessions) each.destroy();
    for (const each of this.#sockets) each.destroy();
    await closed;
  }

  #goAway(): void {
    const front = this.#front;
    if (!front) return;
    front.away = true;
    front.reset();
    setTimeout(() => {
      front.away = false;
    }, awayMs);
  }

  #refusalFor(url: URL): Refusal | undefined {
    const at = this.#refusals.findIndex((each) => each.of(url));
    const found = this.#refusals[at];
    if (found && --found.left === 0) this.#refusals.splice(at, 1);
    return found;
  }

  #serve(question: Question, answer: Answer): void {
    const socket = 'stream' in question ? question.stream.session?.socket : question.socket;
    const connection = this.#front?.of(socket?.remotePort);
    // A client that goes away in the middle is what this is about.
    if (answer instanceof EventEmitter) answer.on('error', () => undefined);
    const url = new URL(question.url ?? '/', 'https://proxy');
    const refused = this.#allows(question.headers.authorization)
      ? (this.#refusalFor(url)?.answer ?? olderServer(url))
      : status(401, 'Unauthorized', 'Unauthorized');
    if (refused) refused(answer);
    else this.#pass(question, url, answer, connection);
  }

  #pass(question: Question, url: URL, answer: Answer, connection: FrontConnection | undefined): void {
    const { target, agent } = this.#upstream;
    const { hostname, port } = new URL(target.origin);
    const forwarded = httpsRequest({
      agent,
      host: hostname,
      port,
      method: question.method,
      path: `${url.pathname}${url.search}`,
      headers: forwardable(question.headers),
    });
    const cuts = isList(url) && this.#cutLists > 0;
    if (cuts) this.#cutLists -= 1;
    forwarded.once('response', (upstream) => {
      answer.writeHead(upstream.statusCode ?? 502, forwardable(upstream.headers));
      if (!isWatch(url) || upstream.statusCode !== 200) return this.#whole(upstream, answer, { connection, cuts });
      const watch = new WatchStream(upstream, answer, {
        connection,
        dropBookmarks: url.pathname.includes(withoutBookmarks),
      });
      // Headers go out now, not with the first event.
      if ('stream' in answer) write(answer, '');
      else answer.flushHeaders();
      if (cuts) watch.plan('cutInLine');
      this.#watches.add(watch);
      answer.once('close', () => this.#watches.delete(watch));
    });
    // The server is away: so is the proxy, as far as its client can tell.
    forwarded.once('error', () => cut(answer, connection));
    answer.once('close', () => forwarded.destroy());
    question.pipe(forwarded);
  }

  #whole(
    upstream: IncomingMessage,
    answer: Answer,
    { connection, cuts }: { readonly connection: FrontConnection | undefined; readonly cuts: boolean },
  ): void {
    upstream.on('data', (chunk: Buffer) => {
      if (cuts) {
        write(answer, chunk.subarray(0, chunk.length >> 1));
        upstream.destroy();
        setTimeout(() => cut(answer, connection), 5);
      } else if (!write(answer, chunk)) {
        upstream.pause();
        answer.once('drain', () => upstream.resume());
      }
    });
    upstream.once('end', () => answer.end());
    upstream.once('error', () => cut(answer, connection));
  }

  #allows(authorization: string | undefined): boolean {
    const given = Buffer.from(authorization ?? '');
    const wanted = Buffer.from(`Bearer ${this.#token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

function olderServer(url: URL): Refusal['answer'] | undefined {
  return url.pathname.includes(withoutStreams) && url.searchParams.has('sendInitialEvents')
    ? status(422, 'Invalid', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch')
    : undefined;
}

const agentFor = ({ ca, cert, key }: Upstream) => new Agent({ keepAlive: true, ca, cert, key });

/** Without what belongs to one connection; bodies are not compressed, for the proxy reads their lines. */
function forwardable(headers: NodeJS.Dict<string | string[]>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || hopByHop.has(name)) continue;
    if (name === 'authorization' || name === 'accept-encoding') continue;
    kept[name] = value;
  }
  return kept;
}

function status(code: number, reason: string, message: string, retryAfter?: string) {
  return (answer: Answer): void => {
    answer.statusCode = code;
    answer.setHeader('content-type', 'application/json');
    if (retryAfter !== undefined) answer.setHeader('retry-after', retryAfter);
    answer.end(JSON.stringify(statusOf(code, reason, message)));
  };
}
