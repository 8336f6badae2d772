import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect } from 'node:tls';
import type { APIService, Clock, Logger } from '@keelson/core';
import { callErrorText, WrongNameError, wrongName } from '../admission/webhook/call-error-text.ts';
import type { HttpRequest } from '../authentication/index.ts';
import { joinSockets, streamBack } from '../http/connect/passage.ts';
import type { HttpResponse } from '../http/reply.ts';
import type { KeyPair } from '../pki/index.ts';
import type { UserInfo } from '../registry/contract.ts';
import type { NetworkAddress, ServiceResolver } from '../server/service-resolver.ts';
import { answeredHeaders, forwardedHeaders, type HeaderLists, userHeaders } from './forwarded-headers.ts';

export interface ExtensionEnvironment {
  readonly services: ServiceResolver;
  readonly clock: Clock;
  readonly logger: Logger;
  /** With which the aggregator shows itself. */
  certificate(): KeyPair | undefined;
}

/** The extension server could not be asked; `message` in the words of Go's client. */
export class ExtensionError extends Error {
  override readonly name = 'ExtensionError';
}

/** No address is known for it. */
export class UnresolvedError extends Error {
  override readonly name = 'UnresolvedError';
}

/** Its answer leads elsewhere, which is for the configuration alone to say. */
export class RedirectError extends Error {
  override readonly name = 'RedirectError';
}

export interface ExtensionAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** What is asked of an extension server in the name of this one, or of a client in the same process. */
export interface Question {
  readonly path: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: HeaderLists;
  readonly body?: string | undefined;
}

/** A request on its way to an extension server. */
export interface Passage {
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  /** The extension server has begun to answer. */
  begun(): void;
}

const longestDocument = 64 * 1024 * 1024;

/** One extension server: what an APIService's Service leads to. */
export class ExtensionServer {
  readonly #spec: APIService['spec'];
  readonly #environment: ExtensionEnvironment;
  #agent: Agent | undefined;
  #shown: KeyPair | undefined;

  constructor({ spec }: APIService, environment: ExtensionEnvironment) {
    this.#spec = spec;
    this.#environment = environment;
  }

  close(): void {
    this.#agent?.destroy();
  }

  /** One of its addresses. Rejects with `UnresolvedError`. */
  async resolve(): Promise<NetworkAddress> {
    const { name = '', namespace = '', port = 443 } = this.#spec.service ?? {};
    try {
      return await this.#environment.services.resolve(namespace, name, port);
    } catch (error) {
      throw new UnresolvedError(error instanceof Error ? error.message : String(error));
    }
  }

  /** Rejects with `ExtensionError`, `UnresolvedError`, or the signal's reason. */
  async ask(question: Question, user: UserInfo, signal: AbortSignal): Promise<ExtensionAnswer> {
    const answer = await this.open(question, user, signal);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of answer) {
      const bytes = Buffer.from(chunk);
      length += bytes.length;
      if (length > longestDocument) throw new ExtensionError(`the answer is longer than ${longestDocument} bytes`);
      chunks.push(bytes);
    }
    return { status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8') };
  }

  /** As `ask`, with an answer that may go on for ever. */
  async open({ path, method = 'GET', headers = {}, body }: Question, user: UserInfo, signal: AbortSignal) {
    const at = await this.resolve();
    const all = { host: authority(at), ...headers, ...userHeaders(user) };
    return this.#begin(at, method, path, all, signal, body);
  }

  /** Passes a request on and streams its answer back. Rejects as `ask`, and with `RedirectError`. */
  async forward(request: HttpRequest, response: HttpResponse, { user, signal, begun }: Passage): Promise<void> {
    const at = await this.resolve();
    const path = request.url ?? '/';
    const headers = forwardedHeaders(request.headers, {
      path,
      user,
      auditId: String(response.getHeader('audit-id') ?? ''),
      address: request.socket.remoteAddress,
      host: authority(at),
    });
    const answer = await this.#begin(at, request.method ?? 'GET', path, headers, signal, request);
    begun();
    const status = answer.statusCode ?? 502;
    if (status >= 300 && status < 400 && status !== 304) {
      answer.destroy();
      throw new RedirectError('redirect');
    }
    await streamBack(answer, response, answeredHeaders(answer.headers), signal);
  }

  /** Joins the client's socket, which asks for another protocol, with the server's. Rejects as `ask`. */
  async tunnel(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    { user, signal }: Omit<Passage, 'begun'>,
  ): Promise<void> {
    const at = await this.resolve();
    const upstream = await this.#open(at, signal);
    const path = request.url ?? '/';
    const address = request.socket.remoteAddress;
    const headers: HeaderLists = {
      ...forwardedHeaders(request.headers, { path, user, auditId: undefined, address, host: authority(at) }),
      connection: 'Upgrade',
      upgrade: request.headers.upgrade ?? '',
    };
    const lines = [`${request.method ?? 'GET'} ${path} HTTP/1.1`];
    for (const [name, value] of Object.entries(headers)) {
      for (const each of [value].flat()) lines.push(`${name}: ${each}`);
    }
    await joinSockets(socket, upstream, { lines, head, signal });
  }

  #begin(
    { host, port }: NetworkAddress,
    method: string,
    path: string,
    headers: HeaderLists,
    signal: AbortSignal,
    body?: HttpRequest | string,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest({ agent: this.#agentNow(), host, port, method, path, headers, signal });
      outgoing.once('response', resolve);
      outgoing.on('error', (error) => reject(signal.aborted ? signal.reason : this.#failure(error, { host, port })));
      if (body === undefined || typeof body === 'string' || method === 'GET' || method === 'HEAD') {
        outgoing.end(typeof body === 'string' ? body : undefined);
      } else {
        body.once('error', (error) => outgoing.destroy(error));
        body.pipe(outgoing);
      }
    });
  }

  #open({ host, port }: NetworkAddress, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const upstream = connect({ host, port, ...this.#tls() });
      const abort = () => upstream.destroy(new Error('the client has gone'));
      signal.addEventListener('abort', abort, { once: true });
      upstream.once('error', (error) => reject(this.#failure(error, { host, port })));
      upstream.once('secureConnect', () => {
        signal.removeEventListener('abort', abort);
        resolve(upstream);
      });
    });
  }

  #failure(error: unknown, at: NetworkAddress): ExtensionError {
    if (error instanceof WrongNameError) return new ExtensionError(error.message);
    return new ExtensionError(callErrorText(error, at, this.#environment.clock.now()));
  }

  /** Connections are kept; a new certificate of ours begins with new ones. */
  #agentNow(): Agent {
    const shown = this.#environment.certificate();
    if (this.#agent && shown === this.#shown) return this.#agent;
    this.#agent?.destroy();
    this.#shown = shown;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: 25, ...this.#tls() });
    return this.#agent;
  }

  #tls(): ConnectionOptions & { readonly allowPartialTrustChain: true } {
    const { service, caBundle, insecureSkipTLSVerify: insecure } = this.#spec;
    const shown = this.#environment.certificate();
    const name = `${service?.name}.${service?.namespace}.svc`;
    return {
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      allowPartialTrustChain: true,
      servername: name,
      rejectUnauthorized: insecure !== true,
      ...(caBundle && { ca: Buffer.from(caBundle, 'base64').toString('utf8') }),
      ...(shown && { cert: shown.certificate, key: shown.key }),
      checkServerIdentity(_host, certificate) {
        const wrong = insecure ? undefined : wrongName(name, certificate);
        return wrong === undefined ? undefined : new WrongNameError(wrong);
      },
    };
  }
}

export const authority = ({ host, port }: NetworkAddress) => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
