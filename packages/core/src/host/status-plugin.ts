import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { makeCertificate } from '../certificates/index.ts';
import { Client } from '../client/index.ts';
import type { ControllerManager } from '../controller/index.ts';
import type { Clock as ClockContract } from '../machinery/index.ts';
import { type MetricSource, MetricSources, ProcessMetrics } from '../metrics/index.ts';
import {
  all,
  Clock,
  definePlugin,
  type HealthCheck,
  HealthChecks,
  type Lifecycle,
  Lifecycles,
  Logger,
  optional,
  token,
} from '../plugin/index.ts';
import { Manager } from './controller-manager-plugin.ts';
import { HealthEndpoint } from './health-endpoint.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import { ScraperAuthorization } from './scraper-authorization.ts';
import { healthRoute, metricsRoute, tracesRoute } from './status-routes.ts';
import { type StatusRoute, StatusServer } from './status-server.ts';

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const usualMetricsPort = 8080;
const usualHealthPort = 8081;

const address = z.union([z.string(), z.number(), z.boolean()]);

export const statusOptions = z.strictObject({
  /** Where `/metrics` is served: a port on loopback, `:8080` on all addresses; `true` is 8080 on loopback. Default: not at all. */
  metrics: address.optional(),
  /**
   * Serves `/metrics` by HTTPS: PEM files of a certificate and its key, read at the start; or `true`, a certificate that
   * signs itself, made at the start, as controller-runtime does it. Default: plain HTTP.
   */
  metricsTls: z.union([z.boolean(), z.strictObject({ certFile: z.string(), keyFile: z.string() })]).optional(),
  /**
   * Only who has a bearer token and the right to `get` the path `/metrics` gets metrics; the API server decides. Implies
   * `metricsTls`. The operator itself needs the ClusterRole `system:auth-delegator`. Default `false`.
   */
  metricsAuthorization: z.boolean().optional(),
  /** Where `/healthz`, `/readyz` and, on loopback, `/debug/traces` are served; `true` is 8081 on loopback. Default: not at all. */
  health: address.optional(),
  /** A port that is taken is told in the log, and nothing more: for what nobody has asked for. */
  optional: z.boolean().optional(),
});
/** Options of `statusPlugin`: where health and metrics are served. */
export type StatusSettings = z.input<typeof statusOptions>;

/** The ports that are listened on; `undefined` where nothing is. */
export interface StatusPorts {
  readonly metrics: number | undefined;
  readonly health: number | undefined;
}
export const StatusPorts = token<StatusPorts>('StatusPorts');

const Status = token<StatusLifecycle>('StatusLifecycle');

/** Serves metrics under controller-runtime's names, health checks, and why reconciles ran. */
export const statusPlugin = definePlugin({
  name: 'status',
  options: statusOptions,
  rules: [
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
  ],
  register({ provide, options }) {
    provide.factory(
      Status,
      (
        manager: ControllerManager,
        sources: readonly MetricSource[],
        checks: readonly HealthCheck[],
        clock: ClockContract,
        logger: Logger,
        client: Client | undefined,
      ) => new StatusLifecycle(options, manager, sources, checks, clock, logger, client),
      [Manager, all(MetricSources), all(HealthChecks), Clock, Logger, optional(Client)],
    );
    provide.factory(StatusPorts, (status: StatusLifecycle) => status, [Status]);
    provide.factory(Lifecycles, (status: StatusLifecycle) => status, [Status]);
  },
});

class StatusLifecycle implements StatusPorts, Lifecycle {
  readonly name = 'status endpoints';
  /** Before the caches are filled: that they are not yet is what `/readyz` is asked for. */
  readonly phase = 'bootstrap';
  readonly #options: z.output<typeof statusOptions>;
  readonly #routes: {
    readonly metrics: ReadonlyMap<string, StatusRoute>;
    readonly health: ReadonlyMap<string, StatusRoute>;
  };
  readonly #logger: Logger;
  readonly #clock: ClockContract;
  #servers: { readonly metrics?: StatusServer; readonly health?: StatusServer } = {};

  constructor(
    options: z.output<typeof statusOptions>,
    { traces }: ControllerManager,
    sources: readonly MetricSource[],
    checks: readonly HealthCheck[],
    clock: ClockContract,
    logger: Logger,
    client: Client | undefined,
  ) {
    if (options.metricsAuthorization && !client)
      throw new Error('nobody can be asked who may read metrics: there is no cluster');
    const authorization = options.metricsAuthorization && client ? new ScraperAuthorization(client, clock) : undefined;
    this.#clock = clock;
    this.#options = options;
    this.#logger = logger;
    const health = healthRoute(new HealthEndpoint(checks, clock));
    this.#routes = {
      metrics: new Map([['metrics', metricsRoute([...sources, new ProcessMetrics()], authorization)]]),
      health: new Map([
        ['healthz', health],
        ['livez', health],
        ['readyz', health],
        ['debug', tracesRoute(traces)],
      ]),
    };
  }

  get metrics(): number | undefined {
    return this.#servers.metrics?.port;
  }

  get health(): number | undefined {
    return this.#servers.health?.port;
  }

  async start(): Promise<void> {
    const { metricsAuthorization = false, metricsTls = metricsAuthorization } = this.#options;
    const metrics = listenAddress(this.#options.metrics ?? false, usualMetricsPort);
    const health = listenAddress(this.#options.health ?? false, usualHealthPort);
    if (metrics && health && metrics.port !== 0 && metrics.port === health.port && metrics.host === health.host) {
      if (metricsTls) throw new Error('metrics over TLS need a port of their own: probes speak plain HTTP');
      const one = await this.#listen('status', health, new Map([...this.#routes.health, ...this.#routes.metrics]));
      this.#servers = { ...(one && { metrics: one, health: one }) };
      return;
    }
    const tls = metrics && metricsTls ? await this.#keys(metricsTls, metrics) : undefined;
    const first = health && (await this.#listen('health', health, this.#routes.health));
    this.#servers = { ...(first && { health: first }) };
    const second = metrics && (await this.#listen('metrics', metrics, this.#routes.metrics, tls));
    this.#servers = { ...this.#servers, ...(second && { metrics: second }) };
  }

  async #keys(
    files: true | { readonly certFile: string; readonly keyFile: string },
    { host }: ListenAddress,
  ): Promise<{ readonly cert: string; readonly key: string }> {
    if (files !== true) {
      return { cert: await readFile(files.certFile, 'utf8'), key: await readFile(files.keyFile, 'utf8') };
    }
    const now = this.#clock.now();
    const made = await makeCertificate({
      subject: { commonName: hostname() },
      hosts: [...new Set(['localhost', '127.0.0.1', hostname(), ...(host === undefined ? [] : [host])])],
      usages: ['server'],
      notBefore: now - hourMs,
      notAfter: now + yearMs,
    });
    return { cert: made.certificate, key: made.key };
  }

  async stop(): Promise<void> {
    const servers = new Set(Object.values(this.#servers));
    this.#servers = {};
    await Promise.all([...servers].map((each) => each.stop()));
  }

  async #listen(
    what: string,
    address: ListenAddress,
    routes: ReadonlyMap<string, StatusRoute>,
    tls?: { readonly cert: string; readonly key: string },
  ): Promise<StatusServer | undefined> {
    const logger = this.#logger;
    const server = new StatusServer({ address, routes, logger, ...(tls && { tls }) });
    try {
      await server.start();
    } catch (error) {
      if (!this.#options.optional) throw error;
      logger.info(`${what} is not served`, { error });
      return undefined;
    }
    logger.info(`${what} is served`, { host: address.host ?? '', port: server.port });
    return server;
  }
}
