import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect as connectPlain, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { StatusError } from '@keelson/core';
import type { HttpRequest } from '../../authentication/index.ts';
import type { KeyPair } from '../../pki/index.ts';
import type { HttpResponse } from '../reply.ts';
import { joinSockets, streamBack } from './passage.ts';
import type { Target } from './targets.ts';

/** Headers that belong to one connection, or that must not leave this server. */
const dropped =
  /^(connection|keep-alive|proxy-|te$|trailer$|transfer-encoding$|upgrade$|host$|authorization$|impersonate-|x-remote-(user|uid|group|extra-)|:|http2-settings$|audit-id$)/i;

export interface ForwarderOptions {
  /** PEM of the authority that signs kubelets' certificates. */
  readonly ca: string;
  /** With which the API server shows itself to kubelets. */
  readonly certificate: KeyPair;
}

/** Passes requests on, whole or as a tunnel. Rejects with 502 or 503 when the other side cannot be reached. */
export class Forwarder {
  #tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly #http = new HttpAgent({ keepAlive: true, maxFreeSockets: 16 });
  #kubelets: HttpsAgent;
  readonly #others = new HttpsAgent({ keepAlive: true, maxFreeSockets: 16, rejectUnauthorized: false });

  constructor({ ca, certificate }: ForwarderOptions) {
    this.#tls = { ca, cert: certificate.certificate, key: certificate.key };
    this.#kubelets = new HttpsAgent({ keepAlive: true, maxFreeSockets: 64, ...this.#tls });
  }

  /** Shows kubelets another certificate from the next connection on. */
  useCertificate({ certificate: cert, key }: KeyPair): void {
    const before = this.#kubelets;
    this.#tls = { ...this.#tls, cert, key };
    this.#kubelets = new HttpsAgent({ keepAlive: true, maxFreeSockets: 64, ...this.#tls });
    // Connections in use finish what they are at.
    before.maxFreeSockets = 0;
    for (const sockets of Object.values(before.freeSockets)) for (const each of sockets ?? []) each.destroy();
  }

  close(): void {
    for (const agent of [this.#http, this.#kubelets, this.#others]) agent.destroy();
  }

  /** Forwards a request with its body, and streams the answer back as it comes. */
  async forward(
    target: Target,
    path: string,
    request: HttpRequest,
    response: HttpResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(request.headers)) {
      if (value !== undefined && !dropped.test(name)) headers[name] = typeof value === 'string' ? value : [...value];
    }
    const { protocol, host, port } = target;
    const options = { host, port, path, method: request.method ?? 'GET', headers, signal };
    const outgoing =
      protocol === 'https:'
        ? httpsRequest({ ...options, agent: target.kubelet ? this.#kubelets : this.#others })
        : httpRequest({ ...options, agent: this.#http });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      outgoing.once('error', (error) => reject(unreachable(target, error)));
    });
    // A body that breaks off breaks the request off; what went wrong is told by `answered`.
    if (request.method === 'GET' || request.method === 'HEAD') outgoing.end();
    else request.pipe(outgoing);
    const answer = await answered;
    const back: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !dropped.test(name)) back[name] = value;
    }
    await streamBack(answer, response, back, signal);
  }

  /** Opens the target and joins it with the client's socket, which keeps its own protocol (WebSocket or SPDY). */
  async tunnel(
    target: Target,
    path: string,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    signal: AbortSignal,
  ): Promise<void> {
    const upstream = await this.#open(target, signal);
    const lines = [`${request.method ?? 'GET'} ${path} HTTP/1.1`, `Host: ${authority(target)}`];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      const [name = '', value = ''] = request.rawHeaders.slice(index, index + 2);
      if (/^(host|authorization|impersonate-.*|x-remote-(user|uid|group|extra-.*)|audit-id)$/i.test(name)) continue;
      lines.push(`${name}: ${withoutBearer(name, value)}`);
    }
    await joinSockets(socket, upstream, { lines, head, signal });
  }

  /**
   * Asks the target to go on in SPDY/3.1 under one of `protocols`. Rejects with the target's own error when it answers
   * otherwise.
   */
  openSpdy(target: Target, path: string, protocols: readonly string[], signal: AbortSignal): Promise<Duplex> {
    const { host, port, protocol } = target;
    const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': [...protocols] };
    const options = { host, port, path, method: 'POST', headers, signal, agent: false as const };
    const tls = target.kubelet ? this.#tls : { rejectUnauthorized: false };
    const outgoing = protocol === 'https:' ? httpsRequest({ ...options, ...tls }) : httpRequest(options);
    return new Promise((resolve, reject) => {
      outgoing.once('upgrade', (_answer, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      outgoing.once('response', (answer) => {
        refusal(answer).then(reject, reject);
      });
      outgoing.once('error', (error) => reject(unreachable(target, error)));
      outgoing.end();
    });
  }

  #open(target: Target, signal: AbortSignal): Promise<Duplex> {
    const { host, port, protocol, kubelet } = target;
    return new Promise((resolve, reject) => {
      const name = isIP(host) ? {} : { servername: host };
      const tls = kubelet ? this.#tls : { rejectUnauthorized: false };
      const secure = protocol === 'https:';
      const upstream = secure ? connectTls({ host, port, ...name, ...tls }) : connectPlain({ host, port });
      const abort = () => upstream.destroy(new Error('the client has gone'));
      signal.addEventListener('abort', abort, { once: true });
      const failed = (error: Error) => reject(unreachable(target, error));
      upstream.setNoDelay(true);
      upstream.once('error', failed);
      upstream.once(secure ? 'secureConnect' : 'connect', () => {
        upstream.off('error', failed);
        signal.removeEventListener('abort', abort);
        resolve(upstream);
      });
    });
  }
}

const longestRefusal = 64 * 1024;

async function refusal(answer: IncomingMessage): Promise<StatusError> {
  let text = '';
  for await (const chunk of answer) if (text.length < longestRefusal) text += String(chunk);
  return StatusError.of(answer.statusCode ?? 500, '', `unable to upgrade connection: ${text.trim()}`);
}

const authority = ({ host, port }: Target) => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** The bearer token that browsers put among the WebSocket protocols stays here. */
function withoutBearer(name: string, value: string): string {
  if (!/^sec-websocket-protocol$/i.test(name)) return value;
  const kept = value.split(',').map((each) => each.trim());
  return kept.filter((each) => !each.startsWith('base64url.bearer.authorization.k8s.io.')).join(', ');
}

function unreachable(target: Target, error: Error): StatusError {
  const where = `${target.protocol}//${authority(target)}`;
  if (!target.kubelet) {
    return StatusError.of(503, 'ServiceUnavailable', `error trying to reach service: ${error.message}`);
  }
  return StatusError.of(500, 'InternalError', `error dialing backend: ${where}: ${error.message}`);
}
