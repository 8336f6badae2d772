import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ClientConfig, Clock, Random } from '@keelson/core';
import { authorizationOf } from '../authentication/configured-server.ts';
import { type AuditEvent, encodeEventList } from './audit-event.ts';
import type { AuditSink, ReportLoss } from './sink.ts';

export interface WebhookSinkOptions {
  /** What a kubeconfig says of the server. */
  readonly config: ClientConfig;
  /** Milliseconds before the second attempt. */
  readonly initialBackoff: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly lost: ReportLoss;
}

const attempts = 5;
/** Beyond it requests wait before they begin. */
const mostPosting = 100;
const growth = 1.5;
const timeoutMs = 30_000;

/** What it cannot be told by asking once more. */
class RefusedError extends Error {}

/** Posts events to another server, as a list. A server that is not well is asked again, ever more slowly. */
export class WebhookSink implements AuditSink {
  readonly name = 'webhook';
  readonly #options: WebhookSinkOptions;
  readonly #agent: HttpAgent;
  readonly #url: URL;
  readonly #closing = new AbortController();
  readonly #posting = new Set<Promise<boolean>>();

  constructor(options: WebhookSinkOptions) {
    this.#options = options;
    const { server, ca, cert, key, tlsServerName, insecureSkipTlsVerify } = options.config;
    this.#url = new URL(server);
    this.#agent =
      this.#url.protocol === 'http:'
        ? new HttpAgent({ keepAlive: true })
        : new HttpsAgent({
            keepAlive: true,
            minVersion: 'TLSv1.2',
            ca,
            cert,
            key,
            servername: tlsServerName,
            rejectUnauthorized: !insecureSkipTlsVerify,
          });
  }

  process(events: readonly AuditEvent[]): Promise<boolean> {
    const posted = this.#process(events);
    this.#posting.add(posted);
    void posted.finally(() => this.#posting.delete(posted));
    return posted;
  }

  ready(): Promise<void> | undefined {
    return this.#posting.size < mostPosting ? undefined : Promise.race(this.#posting).then(() => undefined);
  }

  async #process(events: readonly AuditEvent[]): Promise<boolean> {
    const { clock, random, initialBackoff, lost } = this.#options;
    const body = encodeEventList(events);
    let pause = initialBackoff;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#post(body);
        return true;
      } catch (error) {
        if (error instanceof RefusedError || attempt === attempts || this.#closing.signal.aborted) {
          lost(this.name, error, events);
          return false;
        }
        // An end of the pause before its time is no failure: the last attempt follows.
        await clock.sleep(pause * (1 + random() * 0.2), this.#closing.signal).catch(() => undefined);
        pause *= growth;
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#posting);
    this.#agent.destroy();
  }

  #post(body: string): Promise<void> {
    const authorization = authorizationOf(this.#options.config);
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, */*',
      'user-agent': 'kube-apiserver-audit',
      'content-length': String(Buffer.byteLength(body)),
      ...(authorization !== undefined && { authorization }),
    };
    const send = this.#url.protocol === 'http:' ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const sent = send(this.#url, { method: 'POST', agent: this.#agent, headers });
      const cancel = this.#options.clock.after(timeoutMs, () => sent.destroy(new Error('the answer took too long')));
      sent.once('error', (error) => {
        cancel();
        reject(error);
      });
      sent.once('response', (answer) => {
        answer.resume();
        answer.once('error', reject);
        answer.once('end', () => {
          cancel();
          const { statusCode = 0 } = answer;
          if (statusCode >= 200 && statusCode < 300) resolve();
          else if (statusCode === 429 || statusCode >= 500) reject(new Error(`the server answered ${statusCode}`));
          else reject(new RefusedError(`the server answered ${statusCode}`));
        });
      });
      sent.end(body);
    });
  }
}
