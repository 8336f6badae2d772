import type { HttpTransportOptions } from '../client/index.ts';
import { definePlugin } from '../plugin/index.ts';
import type { AnyPlugin } from './select-plugins.ts';
import type { StatusSettings } from './status-plugin.ts';

export interface ObservationOptions
  extends Pick<StatusSettings, 'metrics' | 'metricsTls' | 'metricsAuthorization' | 'health'> {
  /**
   * Tells of mistakes with the line that makes them, notes lines in traces, and serves health and traces on
   * 127.0.0.1:8081 where that is free. Default: in a terminal, unless `NODE_ENV` is `production` or `test`.
   */
  readonly development?: boolean;
  /**
   * Exports every reconcile as a span, through the provider that the program has registered with `@opentelemetry/api`.
   * Default `false`.
   */
  readonly openTelemetry?: boolean;
}

/** What it takes to look on while an operator runs. */
export interface Observation {
  readonly plugins: readonly AnyPlugin[];
  /** By plugin. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly transport: Pick<HttpTransportOptions, 'observe'>;
}

/** Loads no more than what is asked for. */
export async function observation(options: ObservationOptions): Promise<Observation> {
  const {
    metrics = false,
    metricsTls,
    metricsAuthorization,
    health,
    development = isDevelopment(process.env, process.stderr),
  } = options;
  const plugins: AnyPlugin[] = [];
  const settings: Record<string, unknown> = {};
  let transport: Observation['transport'] = {};
  if (metrics !== false) {
    const [{ MetricSources }, { RequestSeries }] = await Promise.all([
      import('../metrics/index.ts'),
      import('./request-series.ts'),
    ]);
    const requests = new RequestSeries();
    transport = { observe: requests.count };
    const register: AnyPlugin['register'] = ({ provide }) => provide.value(MetricSources, requests);
    plugins.push(definePlugin({ name: 'request-metrics', register }));
  }
  if (development) plugins.push((await import('./development-plugin.ts')).developmentPlugin as AnyPlugin);
  const served = health ?? development;
  if (metrics !== false || served !== false) {
    plugins.push((await import('./status-plugin.ts')).statusPlugin as AnyPlugin);
    const unasked = health === undefined && metrics === false;
    settings['status'] = {
      metrics,
      health: served,
      ...(metricsTls !== undefined && { metricsTls }),
      ...(metricsAuthorization !== undefined && { metricsAuthorization }),
      ...(unasked && { optional: true }),
    };
  }
  if (options.openTelemetry) plugins.push(await (await import('./open-telemetry-plugin.ts')).openTelemetryPlugin());
  return { plugins, options: settings, transport };
}

/** Somebody sits before it. */
export function isDevelopment(
  environment: Readonly<Record<string, string | undefined>>,
  terminal: { readonly isTTY?: boolean },
): boolean {
  const mode = environment['NODE_ENV'];
  return mode !== 'production' && mode !== 'test' && terminal.isTTY === true;
}
