import { type Client, Clients, createClient } from '../client/index.ts';
import { type Controller, type ControllerManager, Controllers } from '../controller/index.ts';
import { ClusterName, ClusterPeers } from '../crd/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { MetricSources } from '../metrics/index.ts';
import { all, Clock, definePlugin, Lifecycles, Logger, type Plugin, Random, token } from '../plugin/index.ts';
import { type ClusterConnection, ClusterSet, type ClusterSource, type OpenCluster } from './cluster-set.ts';
import { ClusteredController } from './clustered-controller.ts';
import { Manager } from './controller-manager-plugin.ts';
import { createHost, type Host } from './create-host.ts';
import { eventRecorderPlugin } from './event-recorder-plugin.ts';
import { informersPlugin } from './informers-plugin.ts';
import type { AnyPlugin } from './select-plugins.ts';
import { webhooksPlugin } from './webhooks-plugin.ts';

/** Which clusters a host's operators work on. */
export const ClustersInUse = token<ClusterSet>('ClusterSet');

/** Which clusters there are, and what runs in each. */
export interface ClustersPluginOptions {
  readonly source: ClusterSource;
  /** What runs in each of the clusters. */
  readonly plugins: readonly AnyPlugin[];
  /** By plugin name. */
  readonly options?: Readonly<Record<string, unknown>>;
  open(connection: ClusterConnection): Promise<OpenCluster>;
}

/** Runs plugins in many clusters at once: all but their controllers in each, and the controllers for all together. */
export function clustersPlugin({ source, plugins, options, open }: ClustersPluginOptions): Plugin<undefined> {
  const hostIn = (cluster: string, client: () => Client, peers: ClusterPeers, environment: Environment): Host =>
    createHost({
      plugins: [
        connectionTo(cluster, client, peers) as AnyPlugin,
        informersPlugin as AnyPlugin,
        eventRecorderPlugin as AnyPlugin,
        webhooksPlugin as AnyPlugin,
        ...plugins,
      ],
      ...(options && { options }),
      ...environment,
    });
  return definePlugin({
    name: 'clusters',
    register({ provide }) {
      // Made once without a cluster, for what they say of themselves.
      const nowhere = hostIn('none', noClient, { get: () => undefined }, {});
      const controllers = nowhere.get(all(Controllers)).map((each) => new ClusteredController(each));
      for (const each of controllers) provide.value<Controller>(Controllers, each);
      provide.factory(
        ClustersInUse,
        (manager: ControllerManager, clock: ClockContract, random: RandomContract, logger: Logger) =>
          new ClusterSet({
            source,
            controllers,
            manager,
            clock,
            random,
            logger,
            open,
            host: (cluster, client, peers) =>
              hostIn(cluster, () => client, peers, { clock, random, logger: logger.named(cluster) }),
          }),
        [Manager, Clock, Random, Logger],
      );
      provide.factory(Lifecycles, (clusters: ClusterSet) => clusters, [ClustersInUse]);
      provide.factory(MetricSources, (clusters: ClusterSet) => ({ text: () => clusters.metrics() }), [ClustersInUse]);
    },
  });
}

interface Environment {
  readonly clock?: ClockContract;
  readonly random?: RandomContract;
  readonly logger?: Logger;
}

function connectionTo(cluster: string, client: () => Client, peers: ClusterPeers): Plugin<undefined> {
  return definePlugin({
    name: 'connection',
    register({ provide }) {
      // A cluster knows one user here, whoever asks.
      provide.factory(Clients, () => ({ as: client }), []);
      provide.value(ClusterName, cluster);
      provide.value(ClusterPeers, peers);
    },
  });
}

function noClient(): Client {
  const refuse = async () => {
    throw new Error('there is no cluster');
  };
  return createClient({
    request: refuse,
    raw: refuse,
    // biome-ignore lint/correctness/useYield: nothing is watched
    async *watch() {
      await refuse();
    },
  });
}
