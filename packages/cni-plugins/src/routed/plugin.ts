import { join } from 'node:path';
import { NetworkProvider } from '@keelson/core/cni';
import { definePlugin } from '@keelson/core/plugin';
import { z } from 'zod';
import { findProgram } from '../command.ts';
import { RoutedNetwork } from './routed-network.ts';

const options = z.strictObject({
  clusterCidr: z.string().default('10.244.0.0/16'),
  mtu: z.int().min(576).max(65535).default(1500),
});

/** Our own network: a routed veth pair and an address of the node's range for each pod. */
export const routedNetworkPlugin = definePlugin({
  name: 'network-routed',
  options: options.prefault({}),
  register({ provide, options }) {
    provide.value(NetworkProvider, {
      name: 'routed',
      async probe() {
        if (process.platform !== 'linux') return { usable: false, reason: 'needs Linux' };
        if (process.getuid?.() !== 0) return { usable: false, reason: 'needs root to make network interfaces' };
        for (const program of ['ip', 'nft', 'nsenter'])
          if (!(await findProgram(program))) return { usable: false, reason: `the program ${program} is missing` };
        return { usable: true, reason: 'running as root, and ip and nft are there' };
      },
      async open(node, signal) {
        const network = new RoutedNetwork({
          ...options,
          podCidr: node.podCidr,
          dataDir: join(node.dataDir, 'network'),
        });
        await network.prepare(signal);
        await network.installExecutable();
        return network;
      },
    });
  },
});
