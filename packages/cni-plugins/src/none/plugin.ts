import { CniError, type NetworkPlugin, NetworkProvider } from '@keelson/core/cni';
import { definePlugin } from '@keelson/core/plugin';

/** No network of its own: pods share the host's, and the runtime gives each a loopback address. */
const hostNetwork: NetworkPlugin = {
  ownNamespace: false,
  async add() {
    throw new CniError(2, 'the network "none" gives no interfaces: pods share the host network');
  },
  async del() {
    return undefined;
  },
  async check() {
    return undefined;
  },
  async status() {
    return undefined;
  },
  async gc() {
    return undefined;
  },
  configList: () => undefined,
  async close() {
    return undefined;
  },
};

/** No network of its own: pods have the address of their node. Needs no rights. */
export const noNetworkPlugin = definePlugin({
  name: 'network-none',
  register({ provide }) {
    provide.value(NetworkProvider, {
      name: 'none',
      probe: async () => ({ usable: true, reason: 'needs nothing' }),
      open: async () => hostNetwork,
    });
  },
});
