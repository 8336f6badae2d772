import { Clients } from '../client/index.ts';
import { CacheReads, InformerFactory, Informers } from '../informer/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { MetricSources } from '../metrics/index.ts';
import { Clock, definePlugin, HealthChecks, Lifecycles, Logger, optional, Random, token } from '../plugin/index.ts';
import { informersAnswer, informersSynced } from './informer-checks.ts';
import { informerSeries } from './informer-series.ts';

const user = 'system:keelson:informers';
/** The informers of all plugins: for how they fare. */
export const SharedInformers = token<InformerFactory>('InformerFactory');

/** Shared informers for all plugins, which read the whole cluster as one user. They run from the phase `informers` on. */
export const informersPlugin = definePlugin({
  name: 'informers',
  user,
  rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
  register({ provide }) {
    provide.factory(
      SharedInformers,
      (clients: Clients, clock: ClockContract, random: RandomContract, logger: Logger, reads: CacheReads | undefined) =>
        new InformerFactory({ client: clients.as({ name: user }), clock, random, logger, reads, started: false }),
      [Clients, Clock, Random, Logger, optional(CacheReads)],
    );
    provide.factory(Informers, (factory: InformerFactory) => factory, [SharedInformers]);
    provide.factory(
      MetricSources,
      (informers: InformerFactory, clock: ClockContract) => ({
        text: () => informerSeries(informers.statuses(), clock.now()),
      }),
      [SharedInformers, Clock],
    );
    provide.factory(HealthChecks, (informers: InformerFactory) => informersSynced(() => informers.statuses()), [
      SharedInformers,
    ]);
    provide.factory(
      HealthChecks,
      (informers: InformerFactory, clock: ClockContract) => informersAnswer(() => informers.statuses(), clock),
      [SharedInformers, Clock],
    );
    provide.factory(
      Lifecycles,
      (factory: InformerFactory) => ({
        name: 'informers',
        phase: 'informers' as const,
        async start() {
          factory.start();
        },
        stop: () => factory.stop(),
      }),
      [SharedInformers],
    );
  },
});
