import { readFile } from 'node:fs/promises';
import { z } from 'zod';
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
  token,
} from '../plugin/index.ts';
import { Manager } from './controller-manager-plugin.ts';
import { HealthEndpoint } from './health-endpoint.ts';
import { type ListenAddress, listenAddress } from './listen-address.ts';
import { healthRoute, metricsRoute, tracesRoute } from './status-routes.ts';
import { type StatusRoute, StatusServer } from './status-server.ts';

const usualMetricsPort = 8080;
const usualHealthPort = 8081;

const address = z.union([z.string(), z.number(), z.boolean()]);

export const statusOptions = z.strictObject({
  /** Where `/metrics` is served: a port on loopback, `:8080` on all addresses; `true` is 8080 on loopback. Default: not at all. */
  metrics: address.optional(),
  /** With it `/metrics` is served by HTTPS: PEM files of a certificate and its key, read at the start. */
  metricsTls: z.strictObject({ certFile: z.string(), keyFile: z.string() }).optional(),
  /** Where `/healthz`, `/readyz` and, on loopback, `/debug/traces` are served; `true` is 8081 on loopback. Default: not at all. */
  health: address.optional(),
  /** A port that is taken is told in the log, and nothing more: for what nobody has asked for. */
  optional: z.boolean().optional(),
});
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
  register({ provide, options }) {
    provide.factory(
      Status,
      (
        manager: ControllerManager,
        sources: readonly MetricSource[],
        checks: readonly HealthCheck[],
        clock: ClockContract,
        logger: Logger,
      ) => new StatusLifecycle(options, manager, sources, checks, clock, logger),
      [Manager, all(MetricSources), all(HealthChecks), Clock, Logger],
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
  #servers: { readonly metrics?: StatusServer; readonly health?: StatusServer } = {};

  constructor(
    options: z.output<typeof statusOptions>,
    { traces }: ControllerManager,
    sources: readonly MetricSource[],
    checks: readonly HealthCheck[],
    clock: ClockContract,
    logger: Logger,
  ) {
    this.#options = options;
    this.#logger = logger;
    const health = healthRoute(new HealthEndpoint(checks, clock));
    this.#routes = {
      metrics: new Map([['metrics', metricsRoute([...sources, new ProcessMetrics()])]]),
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
    const { metricsTls } = this.#options;
    const metrics = listenAddress(this.#options.metrics ?? false, usualMetricsPort);
    const health = listenAddress(this.#options.health ?? false, usualHealthPort);
    if (metrics && health && metrics.port !== 0 && metrics.port === health.port && metrics.host === health.host) {
      if (metricsTls) throw new Error('metrics over TLS need a port of their own: probes speak plain HTTP');
      const one = await this.#listen('status', health, new Map([...this.#routes.health, ...this.#routes.metrics]));
      this.#servers = { ...(one && { metrics: one, health: one }) };
      return;
    }
    const tls = metricsTls && {
      cert: await readFile(metricsTls.certFile, 'utf8'),
      key: await readFile(metricsTls.keyFile, 'utf8'),
    };
    const first = health && (await this.#listen('health', health, this.#routes.health));
    this.#servers = { ...(first && { health: first }) };
    const second = metrics && (await this.#listen('metrics', metrics, this.#routes.metrics, tls));
    this.#servers = { ...this.#servers, ...(second && { metrics: second }) };
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
