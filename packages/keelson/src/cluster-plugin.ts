import { join } from 'node:path';
import { ApiServer, Pki, readRequest, Storage, writeKubeconfig } from '@keelson/apiserver';
import { CertificateAuthority, RootCa } from '@keelson/controllers';
import { CsiControllers, type CsiDriver, CsiDrivers } from '@keelson/core/csi';
import { all, definePlugin, type Lifecycle, Lifecycles } from '@keelson/core/plugin';
import { NodeCertificates } from '@keelson/node';
import { controlSocket } from './control-socket.ts';
import { claimLocalAddress } from './machine-address.ts';

export interface ClusterPluginOptions {
  readonly dataDir: string;
  readonly kubeconfig: string;
  /** Where pods find the API, if they have a network of their own. */
  readonly internalAddress: string | undefined;
}

/** What lies between the packages of an all-in-one cluster: certificates for nodes, the drivers' controllers, the kubeconfig. */
export function clusterPlugin({ dataDir, kubeconfig, internalAddress }: ClusterPluginOptions) {
  return definePlugin({
    name: 'cluster',
    register({ provide }) {
      provide.factory(
        RootCa,
        (pki: Pki) => ({
          get pem() {
            return pki.ca;
          },
        }),
        [Pki],
      );
      provide.factory(
        CertificateAuthority,
        (pki: Pki) => ({ read: readRequest, sign: (request) => pki.sign(request) }),
        [Pki],
      );
      provide.factory(
        NodeCertificates,
        (pki: Pki) => ({
          async issue(nodeName: string, hosts: readonly string[]) {
            const { certificate, key } = await pki.issueServing(
              { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] },
              hosts,
            );
            return { cert: certificate, key, ca: pki.ca };
          },
        }),
        [Pki],
      );

      const drivers = new Map<string, CsiDriver>();
      provide.value(CsiControllers, drivers);
      provide.factory(
        Lifecycles,
        (providers): Lifecycle => ({
          name: 'storage-drivers',
          phase: 'informers',
          async start(signal) {
            for (const each of providers)
              drivers.set(each.driverName, await each.open({ dataDir: join(dataDir, 'storage-drivers') }, signal));
          },
          async stop() {
            for (const each of drivers.values()) await each.close();
          },
        }),
        [all(CsiDrivers)],
      );

      provide.factory(Lifecycles, (storage: Storage): Lifecycle => controlSocket(dataDir, storage), [Storage]);
      if (internalAddress !== undefined) provide.value(Lifecycles, localAddress(internalAddress, dataDir));
      provide.factory(
        Lifecycles,
        (server: ApiServer, pki: Pki): Lifecycle => ({
          name: 'kubeconfig',
          phase: 'bootstrap',
          async start() {
            await writeKubeconfig(kubeconfig, {
              server: server.listening?.url ?? '',
              ca: pki.ca,
              credentials: pki.admin,
            });
          },
        }),
        [ApiServer, Pki],
      );
    },
  });
}

function localAddress(address: string, dataDir: string): Lifecycle {
  let remove: (() => Promise<void>) | undefined;
  return {
    name: 'local-address',
    phase: 'storage',
    async start(signal) {
      remove = await claimLocalAddress(address, dataDir, signal);
    },
    stop: async () => remove?.(),
  };
}
