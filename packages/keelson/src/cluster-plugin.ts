import { join } from 'node:path';
import { ApiServer, Pki, readRequest, Storage, writeKubeconfig } from '@keelson/apiserver';
import { CertificateAuthority, RootCa, SecretTokenSigner } from '@keelson/controllers';
import { CsiControllers, type CsiDriver, CsiDrivers } from '@keelson/core/csi';
import { all, Clock, definePlugin, type Lifecycle, Lifecycles, Logger } from '@keelson/core/plugin';
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
        SecretTokenSigner,
        (server: ApiServer) => ({ sign: (account) => server.tokens.issueLegacy(account) }),
        [ApiServer],
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
        (server: ApiServer, pki: Pki, clock: Clock, logger: Logger): Lifecycle =>
          keptKubeconfig(kubeconfig, { server, pki, clock, logger }),
        [ApiServer, Pki, Clock, Logger],
      );
    },
  });
}

const hourMs = 60 * 60_000;

/** The administrator's kubeconfig, written again whenever their certificate was renewed. */
function keptKubeconfig(
  path: string,
  { server, pki, clock, logger }: { server: ApiServer; pki: Pki; clock: Clock; logger: Logger },
): Lifecycle {
  const running = new AbortController();
  let written: string | undefined;
  const write = async () => {
    const { ca, admin } = pki;
    await writeKubeconfig(path, { server: server.listening?.url ?? '', ca, credentials: admin });
    written = admin.certificate;
  };
  const keep = async () => {
    while (!running.signal.aborted) {
      try {
        await clock.sleep(hourMs, running.signal);
        if (written !== pki.admin.certificate) await write();
      } catch (error) {
        if (running.signal.aborted) return;
        logger.warn('the kubeconfig could not be written again; tried later', { path, error: String(error) });
      }
    }
  };
  return {
    name: 'kubeconfig',
    phase: 'bootstrap',
    async start() {
      await write();
      void keep();
    },
    stop: async () => running.abort(),
  };
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
