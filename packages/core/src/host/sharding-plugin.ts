import { hostname } from 'node:os';
import { z } from 'zod';
import { Client } from '../client/index.ts';
import { Sharding, SharedWork } from '../controller/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { MetricSources, NumberSeries } from '../metrics/index.ts';
import { Clock, definePlugin, Lifecycles, Logger, Random, token } from '../plugin/index.ts';

const Shared = token<SharedWork>('SharedWork');

const milliseconds = z.int().positive();

export const shardingOptions = z.strictObject({
  /** Of the Leases; their names begin with `name`. */
  namespace: z.string(),
  name: z.string(),
  /** Default: the machine's name and a number of this process. */
  identity: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'lower case letters, digits and "-"')
    .optional(),
  /** Into so many parts the keys are divided: several for each process that there may be. The same in all of them. */
  shards: z.int().min(1).max(1_024).default(16),
  /** `namespace`: all objects of a namespace go to the same process. */
  by: z.enum(['object', 'namespace']).default('object'),
  /** Reconciles of a shard that goes to another process have so long before they are aborted. */
  drainMs: z.int().nonnegative().default(5_000),
  leaseDurationMs: milliseconds.default(20_000),
  renewDeadlineMs: milliseconds.default(14_000),
  retryPeriodMs: milliseconds.default(4_000),
});
/** Options of `shardingPlugin`: how processes share the objects among them. */
export type ShardingSettings = z.input<typeof shardingOptions>;

/** Several processes with these controllers divide the keys among each other. Goes before the controllers. */
export const shardingPlugin = definePlugin({
  name: 'sharding',
  options: shardingOptions,
  rules: [
    {
      apiGroups: ['coordination.k8s.io'],
      resources: ['leases'],
      verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
    },
  ],
  register({ provide, options }) {
    provide.factory(
      Shared,
      (client: Client, clock: ClockContract, random: RandomContract, logger: Logger) =>
        new SharedWork({
          ...options,
          client,
          clock,
          random,
          logger,
          identity: options.identity ?? identityHere(random),
        }),
      [Client, Clock, Random, Logger],
    );
    provide.factory(Sharding, (shared: SharedWork) => shared, [Shared]);
    provide.factory(MetricSources, (shared: SharedWork) => ({ text: () => heldShards(options.name, shared) }), [
      Shared,
    ]);
    provide.factory(
      Lifecycles,
      (shared: SharedWork) => ({
        name: 'sharding',
        phase: 'controllers' as const,
        async start() {
          shared.start();
        },
        stop: () => shared.stop(),
      }),
      [Shared],
    );
  },
});

/** It becomes part of an object's name. */
function identityHere(random: RandomContract): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  const unique = Math.floor(random() * 2 ** 40).toString(36);
  return `${host.slice(0, 63)}-${process.pid}-${unique}`.replace(/^-+/, '');
}

function heldShards(name: string, { held }: SharedWork): string {
  const series = new NumberSeries({
    type: 'gauge',
    name: 'keelson_shards_held',
    help: 'How many shards of the keys this process works on.',
    labels: ['name'],
  });
  series.set([name], held.length);
  return series.text();
}
