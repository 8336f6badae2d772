import { RuntimeProvider } from '@keelson/core/cri';
import { Clock, definePlugin, Logger } from '@keelson/core/plugin';
import { type ProcessOptions, processOptionsSchema } from './options.ts';
import { ProcessRuntimeProvider } from './provider.ts';

/** The embedded default: containers as real processes, without a container engine. */
export const processRuntimePlugin = definePlugin<ProcessOptions>({
  name: 'process-runtime',
  options: processOptionsSchema,
  register({ provide, options }) {
    provide.factory(RuntimeProvider, (clock, logger) => new ProcessRuntimeProvider(clock, logger, options), [
      Clock,
      Logger,
    ]);
  },
});
