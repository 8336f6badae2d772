import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { type Clock, isJsonObject, isStatusError, messageOf, type WebhookClientConfig } from '@keelson/core';
import type { Webhook } from '@keelson/core/admission';
import type { ServiceResolver } from '../../server/service-resolver.ts';
import { callErrorText, WrongNameError, wrongName } from './call-error-text.ts';
import { webhookPath } from './webhook-path.ts';

/** What goes wrong on the way to a webhook and back, as Kubernetes tells it. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  /** Of the answer, where there was one that means this; else 503. */
  readonly code: number;

  constructor(message: string, code = 503) {
    super(message);
    this.code = code;
  }
}

/** The configuration of a client makes no sense: nobody is called. */
export class ClientConfigError extends Error {
  override readonly name = 'ClientConfigError';
}

/** Webhooks of this process, by their URLs, which are asked without sockets; `refused` where nobody listens now. */
export type LocalWebhooks = (url: string) => Webhook | 'refused' | undefined;

export interface WebhookClientEnvironment {
  readonly local?: LocalWebhooks | undefined;
  readonly clock: Clock;
  readonly services: ServiceResolver;
}

const longestAnswer = 16 * 1024 * 1024;
const longestShown = 2048;

/**
 * Posts JSON to one webhook over HTTP/1.1, with connections that are used again. Redirects are not followed, which is
 * stricter than Kubernetes: where a request goes is for the configuration to say.
 */
export class WebhookClient {
  readonly #environment: WebhookClientEnvironment;
  readonly #target: Target | ClientConfigError;
  readonly #agent: Agent;

  constructor(config: WebhookClientConfig, environment: WebhookClientEnvironment) {
    this.#environment = environment;
    this.#target = targetOf(config);
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: 25, ...tlsOptions(this.#target) });
  }

  /** Connections that are in use finish what they are at. */
  close(): void {
    this.#agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const each of sockets ?? []) each.destroy();
  }

  /**
   * The body of the answer. Rejects with `ClientConfigError` or `TransportError`, whose message names the URL.
   *
   * @param timeoutMs from now; `signal` ends it before
   */
  async post(body: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<string> {
    const target = this.#target;
    if (target instanceof ClientConfigError) throw target;
    const { clock } = this.#environment;
    const late = new AbortController();
    const cancel = clock.after(timeoutMs, () => late.abort());
    const ends = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const asked = `${target.path}?timeout=${Math.ceil(timeoutMs / 1000)}s`;
    const url = `https://${target.authority}${asked}`;
    const failed = (why: string) => new TransportError(`Post ${JSON.stringify(url)}: ${why}`);
    const overdue = () => (signal?.aborted ? 'context canceled' : 'context deadline exceeded');
    try {
      const local = this.#environment.local?.(`https://${target.authority}${target.path}`);
      if (local === 'refused') throw failed(`dial tcp ${target.authority}: connect: connection refused`);
      if (local) return await askLocal(local, body, ends, () => failed(overdue()));
      const answer = await this.#begin(target, asked, body, ends, (error) =>
        ends.aborted ? failed(overdue()) : failed(reasonOf(error, target, clock.now())),
      );
      const text = await readAll(answer, (why) => (ends.aborted ? overdue() : why));
      return checkAnswer(answer, text);
    } finally {
      cancel();
    }
  }

  /** A connection that has been idle may have been closed meanwhile: then the request goes again, over another one. */
  async #begin(
    target: Target,
    path: string,
    body: string,
    signal: AbortSignal,
    failed: (error: unknown) => TransportError,
  ): Promise<IncomingMessage> {
    for (;;) {
      try {
        const { host, port } = target.service
          ? await this.#environment.services.resolve(target.service.namespace, target.service.name, target.port)
          : target;
        return await this.#send({ host, port, authority: target.authority }, path, body, signal);
      } catch (error) {
        if (error instanceof StaleConnection) continue;
        throw failed(error);
      }
    }
  }

  #send(
    at: Pick<Target, 'host' | 'port' | 'authority'>,
    path: string,
    body: string,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = httpsRequest({
        agent: this.#agent,
        method: 'POST',
        host: at.host,
        port: at.port,
        path,
        signal,
        headers: {
          host: at.authority,
          'user-agent': 'kube-apiserver-admission',
          accept: 'application/json, */*',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      });
      sent.once('response', resolve);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const stale = sent.reusedSocket && !signal.aborted && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale ? new StaleConnection() : error);
      });
      sent.end(body);
    });
  }
}

async function askLocal(
  webhook: Webhook,
  body: string,
  signal: AbortSignal,
  overdue: () => TransportError,
): Promise<string> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(overdue()), { once: true });
  });
  const answer = webhook(body, signal).catch((error: unknown) => {
    const code = isStatusError(error) ? error.code : 500;
    throw new TransportError(refusalText(code, 'text/plain', messageOf(error)), code);
  });
  return Promise.race([answer, aborted]);
}

class StaleConnection extends Error {}

interface Target {
  readonly host: string;
  readonly port: number;
  /** As the configuration has it: with the port if it has one, also the usual one. */
  readonly authority: string;
  readonly path: string;
  /** For a Service: found anew for each call. */
  readonly service: { readonly namespace: string; readonly name: string } | undefined;
  readonly ca: string | undefined;
}

function targetOf({ url, service, caBundle }: WebhookClientConfig): Target | ClientConfigError {
  const ca = authorities(caBundle);
  if (ca instanceof ClientConfigError) return ca;
  if (service) {
    const { namespace, name, path = '/', port = 443 } = service;
    const host = `${name}.${namespace}.svc`;
    return { host, port, authority: `${host}:${port}`, path: webhookPath(path), service: { namespace, name }, ca };
  }
  if (!url) return new ClientConfigError('webhook configuration must have either service or URL');
  const place = new URL(url);
  const authority = /^https:\/\/([^/?#]+)/i.exec(url)?.[1] ?? place.host;
  const host = place.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(place.port || 443),
    authority,
    path: webhookPath(place.pathname),
    service: undefined,
    ca,
  };
}

/** @param bundle base64 of PEM, as a configuration has it */
function authorities(bundle: string | undefined): string | undefined | ClientConfigError {
  if (!bundle) return undefined;
  const pem = Buffer.from(bundle, 'base64').toString('utf8');
  const unusable = (why: string) =>
    new ClientConfigError(`could not get REST client: unable to load root certificates: ${why}`);
  if (!/-----BEGIN [^-]+-----/.test(pem)) return unusable('unable to parse bytes as PEM block');
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) return unusable('no valid certificate authority data seen');
  return pem;
}

interface TlsOptions extends ConnectionOptions {
  /** Any certificate of the bundle is trusted for itself, as by Go; Node 20.18 and later know it. */
  readonly allowPartialTrustChain: true;
}

function tlsOptions(target: Target | ClientConfigError): TlsOptions | undefined {
  if (target instanceof ClientConfigError) return undefined;
  const { host, ca, service } = target;
  return {
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    allowPartialTrustChain: true,
    ...(ca !== undefined && { ca }),
    ...(service && { servername: host }),
    checkServerIdentity(_host, certificate) {
      const wrong = wrongName(host, certificate);
      return wrong === undefined ? undefined : new WrongNameError(wrong);
    },
  };
}

function reasonOf(error: unknown, target: Target, now: number): string {
  if (error instanceof WrongNameError) return error.message;
  return callErrorText(error, target, now);
}

async function readAll(answer: IncomingMessage, why: (text: string) => string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > longestAnswer) throw new TransportError(`the answer is longer than ${longestAnswer} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof TransportError) throw error;
    throw new TransportError(
      `unexpected error when reading response body. Please retry. Original error: ${why('unexpected EOF')}`,
      500,
    );
  }
  return Buffer.concat(chunks).toString('utf8');
}

function checkAnswer({ statusCode = 0, headers }: IncomingMessage, text: string): string {
  if (statusCode < 200 || statusCode > 206)
    throw new TransportError(refusalText(statusCode, headers['content-type'], text), statusCode);
  if (text === '') {
    throw new TransportError(
      `0-length response with status code: ${statusCode} and content type: ${headers['content-type'] ?? ''}`,
    );
  }
  return text;
}

const plainRefusals: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** Their answers say themselves what is wrong. */
const telling = new Set([403, 406, 415]);

/** What a client of Kubernetes makes of an answer that is no success. */
function refusalText(code: number, contentType: string | undefined, text: string): string {
  const told = statusMessage(text);
  if (told !== undefined) return told;
  const isText = contentType === undefined || contentType.startsWith('text/');
  const short = isText ? Buffer.from(text).subarray(0, longestShown).toString('utf8').trim() : 'unknown';
  const plain = plainRefusals[code];
  if (plain !== undefined) return plain;
  if (telling.has(code)) return short;
  if (code >= 500) {
    return `an error on the server (${JSON.stringify(short)}) has prevented the request from succeeding`;
  }
  return `the server responded with the status code ${code} but did not return more information`;
}

function statusMessage(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value) || value['kind'] !== 'Status' || value['apiVersion'] !== 'v1') return undefined;
    return typeof value['message'] === 'string' && value['status'] !== 'Success' ? value['message'] : undefined;
  } catch {
    return undefined;
  }
}
