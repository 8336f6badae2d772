import { isIP } from 'node:net';
import type { Webhook, WebhookServer } from '../admission/index.ts';
import type { WebhookClientConfig } from '../api/index.ts';
import { renewalTime } from '../certificates/index.ts';
import type { ClientConfigAt, WebhookInstaller, Webhooks } from '../crd/index.ts';
import { type Clock, systemClock } from '../machinery/index.ts';
import type { Lifecycle, Logger } from '../plugin/index.ts';
import type { CertificateStore, WebhookCertificates } from './webhook-certificates.ts';
import { WebhookSeries } from './webhook-series.ts';

export interface WebhookHostOptions {
  readonly store: CertificateStore;
  /** Default `operator`. */
  readonly installedBy?: WebhookInstaller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Address (default: all) and port that are listened on. */
  readonly listen: { readonly host?: string; readonly port: number };
  /** How API servers get there. Default: the address listened on, on the same machine. */
  readonly reach?:
    | { readonly url: string }
    | { readonly service: { readonly name: string; readonly namespace: string; readonly port: number } };
}

type Tell = (at: ClientConfigAt, signal: AbortSignal) => Promise<void>;

const mebibyte = 1024 * 1024;
/** Conversions of lists hold many objects, other reviews an object and what it was before. */
const longestReview = (path: string) => (path.startsWith('/convert/') ? 64 : 8) * mebibyte;
/** How long until all API servers have heard of a new authority. */
const heardOfMs = 10_000;
const retryMs = 60_000;
const loopback = '127.0.0.1';

/** One HTTPS server for all webhooks of a process; it listens from the first one on. */
export class WebhookHost implements Webhooks, Lifecycle {
  readonly name = 'webhooks';
  readonly phase = 'bootstrap';
  readonly #options: WebhookHostOptions;
  readonly #webhooks: Record<string, Webhook> = {};
  readonly #tells: Tell[] = [];
  readonly #stopping = new AbortController();
  /** How often and how fast they are asked. */
  readonly series: WebhookSeries;
  #listening: Promise<WebhookServer> | undefined;
  /** What servers are told of. */
  #certificates: WebhookCertificates | undefined;
  /** What they see, which changes only after all have been told. */
  #shown: string | undefined;
  #cancelRenewal: () => void = () => undefined;

  constructor(options: WebhookHostOptions) {
    this.#options = options;
    this.series = new WebhookSeries(options.clock);
  }

  get installedBy(): WebhookInstaller {
    return this.#options.installedBy ?? 'operator';
  }

  /** What API servers trust now, as PEM. */
  get authorities(): readonly string[] {
    return this.#certificates?.authorities ?? [];
  }

  async start(): Promise<void> {
    // It starts with the first webhook: most processes have none.
  }

  async serve(webhooks: Readonly<Record<string, Webhook>>, tell: Tell, signal: AbortSignal): Promise<void> {
    for (const path of Object.keys(webhooks)) {
      if (Object.hasOwn(this.#webhooks, path)) throw new Error(`there is a webhook at ${path} already`);
    }
    Object.assign(this.#webhooks, webhooks);
    for (const path of Object.keys(webhooks)) this.series.serve(path);
    this.#listening ??= this.#listen(signal);
    const server = await this.#listening;
    this.#tells.push(tell);
    await tell((path) => this.#clientConfig(path, server.port), signal);
  }

  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping.abort(new Error('the webhooks are stopped'));
    this.#cancelRenewal();
    const server = await this.#listening?.catch(() => undefined);
    await server?.stop(signal);
  }

  async #listen(signal: AbortSignal): Promise<WebhookServer> {
    const { store, listen, logger } = this.#options;
    const certificates = await store.current(this.#hosts, signal);
    this.#certificates = certificates;
    this.#shown = certificates.server.certificate;
    const { WebhookServer } = await import('../admission/index.ts');
    const server = new WebhookServer({
      certificate: { cert: certificates.server.certificate, key: certificates.server.key },
      webhooks: this.#webhooks,
      logger,
      longestReview,
      observe: this.series.begin,
      ...listen,
    });
    await server.start();
    this.#planRenewal(server);
    return server;
  }

  /** Names and addresses that the certificate is for. */
  get #hosts(): readonly string[] {
    const { reach, listen } = this.#options;
    if (!reach) return [listen.host ?? loopback];
    if ('url' in reach) return [new URL(reach.url).hostname.replace(/^\[|\]$/g, '')];
    return [`${reach.service.name}.${reach.service.namespace}.svc`];
  }

  #clientConfig(path: string, port: number): WebhookClientConfig {
    const { reach, listen } = this.#options;
    const { authorities } = this;
    const trust = authorities.length > 0 && { caBundle: Buffer.from(authorities.join('')).toString('base64') };
    if (reach && 'service' in reach) return { service: { ...reach.service, path }, ...trust };
    const { host = loopback } = listen;
    const base = reach ? reach.url.replace(/\/$/, '') : `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    return { url: `${base}${path}`, ...trust };
  }

  #planRenewal(server: WebhookServer, afterMs?: number): void {
    const { clock, store } = this.#options;
    const certificate = this.#shown ?? '';
    const wait = afterMs ?? store.everyMs ?? Math.max(retryMs, renewalTime(certificate) - systemClock.now());
    this.#cancelRenewal = clock.after(wait, () => void this.#renew(server));
  }

  async #renew(server: WebhookServer): Promise<void> {
    const { store, clock, logger } = this.#options;
    const { signal } = this.#stopping;
    try {
      const next = await store.current(this.#hosts, signal);
      if (next.server.certificate !== this.#shown) {
        this.#certificates = next;
        for (const tell of this.#tells) await tell((path) => this.#clientConfig(path, server.port), signal);
        await clock.sleep(heardOfMs, signal);
        server.renew({ cert: next.server.certificate, key: next.server.key });
        this.#shown = next.server.certificate;
        logger.info('the certificate of the webhooks is renewed', { until: renewalTime(next.server.certificate) });
      }
      this.#planRenewal(server);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('the certificate of the webhooks could not be renewed and is tried again', { error });
      this.#planRenewal(server, retryMs);
    }
  }
}
