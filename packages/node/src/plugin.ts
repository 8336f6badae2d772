import { Clients } from '@keelson/core/client';
import { NetworkProvider } from '@keelson/core/cni';
import { EventRecorder } from '@keelson/core/controller';
import { RuntimeProvider } from '@keelson/core/cri';
import { CsiDrivers } from '@keelson/core/csi';
import { Informers } from '@keelson/core/informer';
import { all, Clock, definePlugin, Lifecycles, Logger, optional, Random } from '@keelson/core/plugin';
import { NodeCertificates } from './contract.ts';
import { type NodeOptions, nodeOptionsSchema } from './node-options.ts';
import { Nodes } from './nodes.ts';

/** The nodes of this process: a kubelet each, on the runtime, network and storage that other plugins provide. */
export const nodePlugin = definePlugin<NodeOptions>({
  name: 'node',
  options: nodeOptionsSchema,
  register({ provide, options }) {
    provide.factory(
      Lifecycles,
      (clients, informers, runtime, network, drivers, certificates, recorder, clock, random, logger) =>
        new Nodes({
          options,
          clients,
          informers,
          runtime,
          network,
          drivers,
          certificates,
          recorder,
          clock,
          random,
          logger,
        }),
      [
        Clients,
        Informers,
        RuntimeProvider,
        NetworkProvider,
        all(CsiDrivers),
        optional(NodeCertificates),
        EventRecorder,
        Clock,
        Random,
        Logger,
      ],
    );
  },
});
