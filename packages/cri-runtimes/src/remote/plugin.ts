import { RuntimeProvider } from '@keelson/core/cri';
import { Clock, definePlugin, Logger } from '@keelson/core/plugin';
import { type RemoteOptions, remoteOptionsSchema } from './options.ts';
import { RemoteRuntimeProvider } from './provider.ts';

/** Containers by any runtime that serves CRI v1 on a socket: containerd, CRI-O; or by a containerd of our own. */
export const remoteRuntimePlugin = definePlugin<RemoteOptions>({
  name: 'remote-runtime',
  options: remoteOptionsSchema,
  register({ provide, options }) {
    provide.factory(RuntimeProvider, (clock, logger) => new RemoteRuntimeProvider(clock, logger, options), [
      Clock,
      Logger,
    ]);
  },
});
