import { Clients } from '../client/index.ts';
import { InformerFactory, Informers } from '../informer/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { Clock, definePlugin, Lifecycles, Logger, Random, token } from '../plugin/index.ts';

const user = 'system:keelson:informers';
const Factory = token<InformerFactory>('InformerFactory');

/** Shared informers for all plugins, which read the whole cluster as one user. They run from the phase `informers` on. */
export const informersPlugin = definePlugin({
  name: 'informers',
  user,
  rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }],
  register({ provide }) {
    provide.factory(
      Factory,
      (clients: Clients, clock: ClockContract, random: RandomContract, logger: Logger) =>
        new InformerFactory({ client: clients.as({ name: user }), clock, random, logger, started: false }),
      [Clients, Clock, Random, Logger],
    );
    provide.factory(Informers, (factory: InformerFactory) => factory, [Factory]);
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
      [Factory],
    );
  },
});
