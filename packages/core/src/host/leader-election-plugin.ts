import { hostname } from 'node:os';
import { z } from 'zod';
import { Client } from '../client/index.ts';
import { LeaderElector, Leadership } from '../controller/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { MetricSources, NumberSeries } from '../metrics/index.ts';
import { Clock, definePlugin, Lifecycles, Logger, Random, token } from '../plugin/index.ts';

const Elector = token<LeaderElector>('LeaderElector');

const milliseconds = z.int().positive();

export const leaderElectionOptions = z.strictObject({
  /** Of the Lease. */
  namespace: z.string(),
  name: z.string(),
  /** Default: the machine's name and a number of this process. */
  identity: z.string().optional(),
  leaseDurationMs: milliseconds.optional(),
  renewDeadlineMs: milliseconds.optional(),
  retryPeriodMs: milliseconds.optional(),
});
/** Options of `leaderElectionPlugin`: the Lease, who this is, and times in milliseconds. */
export type LeaderElectionSettings = z.input<typeof leaderElectionOptions>;

/** Of several processes with these controllers one reconciles; the others keep their caches warm. Goes before the controllers. */
export const leaderElectionPlugin = definePlugin({
  name: 'leader-election',
  options: leaderElectionOptions,
  rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] }],
  register({ provide, options }) {
    const { namespace, name, identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
    provide.factory(
      Elector,
      (client: Client, clock: ClockContract, random: RandomContract, logger: Logger) =>
        new LeaderElector({
          client,
          clock,
          random,
          logger,
          namespace,
          name,
          identity: identity ?? `${hostname()}_${process.pid}-${Math.floor(random() * 2 ** 40).toString(36)}`,
          ...(leaseDurationMs !== undefined && { leaseDurationMs }),
          ...(renewDeadlineMs !== undefined && { renewDeadlineMs }),
          ...(retryPeriodMs !== undefined && { retryPeriodMs }),
        }),
      [Client, Clock, Random, Logger],
    );
    provide.factory(MetricSources, (elector: LeaderElector) => ({ text: () => masterStatus(elector) }), [Elector]);
    provide.factory(Leadership, (elector: LeaderElector) => elector, [Elector]);
    provide.factory(
      Lifecycles,
      (elector: LeaderElector) => ({
        name: 'leader election',
        phase: 'controllers' as const,
        async start() {
          elector.start();
        },
        stop: () => elector.stop(),
      }),
      [Elector],
    );
  },
});

/** Under the name and words of client-go. */
function masterStatus({ leaseName, leading }: LeaderElector): string {
  const status = new NumberSeries({
    type: 'gauge',
    name: 'leader_election_master_status',
    help: "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
    labels: ['name'],
  });
  status.set([leaseName], leading ? 1 : 0);
  return status.text();
}
