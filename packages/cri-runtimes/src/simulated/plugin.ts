import { RuntimeProvider } from '@keelson/core/cri';
import { Clock, definePlugin, Random } from '@keelson/core/plugin';
import { type SimulatedOptions, simulatedOptionsSchema } from './options.ts';
import { openSimulatedRuntime } from './simulated-runtime.ts';

/** Containers with states, delays and failures, but without processes: for scale and for tests. */
export const simulatedRuntimePlugin = definePlugin<SimulatedOptions>({
  name: 'simulated-runtime',
  options: simulatedOptionsSchema,
  register({ provide, options }) {
    provide.factory(
      RuntimeProvider,
      (clock, random) => ({
        name: 'simulated',
        probe: async () => ({ usable: true, reason: 'it needs nothing of the machine' }),
        open: async (node) => openSimulatedRuntime(clock, random, options, node),
      }),
      [Clock, Random],
    );
  },
});
