import type { Client, Clients, HttpTransportOptions } from '../client/index.ts';
import { systemClock, systemRandom } from '../machinery/index.ts';
import { definePlugin, type Logger } from '../plugin/index.ts';
import type { RecordSettings } from '../recording/index.ts';
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
  /**
   * Records what it sees and does into files of this directory, for `keelson replay`: objects without the values of
   * Secrets, requests, answers, and why reconciles ran. Not with `clusters`. Default: nothing is recorded.
   */
  readonly record?: string | RecordSettings;
}

/** Who is looked at. */
export interface Observed {
  readonly name?: string;
  readonly leaderElection?: unknown;
  readonly clusters?: unknown;
  readonly logger?: Logger;
}

/** What it takes to look on while an operator runs. */
export interface Observation {
  readonly plugins: readonly AnyPlugin[];
  /** By plugin. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly transport: Pick<HttpTransportOptions, 'observe'>;
  /** The same clients, looked at. */
  clients(clients: Clients): Clients;
}

/** Loads no more than what is asked for. */
export async function observation(options: ObservationOptions & Observed): Promise<Observation> {
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
  let clients: Observation['clients'] = (each) => each;
  if (options.record !== undefined) {
    const recorded = await recording(options.record, options);
    plugins.push(recorded.plugin);
    clients = recorded.clients;
  }
  return { plugins, options: settings, transport, clients };
}

async function recording(
  record: string | RecordSettings,
  { name = 'operator', leaderElection = false, clusters, logger }: Observed,
): Promise<Pick<Observation, 'clients'> & { readonly plugin: AnyPlugin }> {
  if (clusters !== undefined) throw new Error('record: what happens in several clusters at once cannot be recorded');
  const [{ Recorder }, { recordingPlugin }, { createClient }, { createLogger }] = await Promise.all([
    import('../recording/index.ts'),
    import('./recording-plugin.ts'),
    import('../client/index.ts'),
    import('./text-logger.ts'),
  ]);
  const recorder = new Recorder({
    ...(typeof record === 'string' ? { directory: record } : record),
    operator: name,
    elects: leaderElection !== false,
    clock: systemClock,
    random: systemRandom,
    logger: (logger ?? createLogger({ clock: systemClock })).named('recording'),
  });
  const recorded = new Map<Client, Client>();
  return {
    plugin: recordingPlugin(recorder),
    clients: (clients) => ({
      as(user) {
        const client = clients.as(user);
        let known = recorded.get(client);
        if (!known) {
          known = createClient(recorder.transport(client.transport));
          recorded.set(client, known);
        }
        return known;
      },
    }),
  };
}

/** Somebody sits before it. */
export function isDevelopment(
  environment: Readonly<Record<string, string | undefined>>,
  terminal: { readonly isTTY?: boolean },
): boolean {
  const mode = environment['NODE_ENV'];
  return mode !== 'production' && mode !== 'test' && terminal.isTTY === true;
}
