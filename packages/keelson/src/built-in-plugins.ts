import { apiServerPlugin } from '@keelson/apiserver';
import * as controllers from '@keelson/controllers';
import {
  type AnyPlugin,
  controllerManagerPlugin,
  eventRecorderPlugin,
  informersPlugin,
  webhooksPlugin,
} from '@keelson/core/host';
import { hostPathPlugin } from '@keelson/csi-plugins';
import { nodePlugin, serviceProxyPlugin } from '@keelson/node';

/** What every cluster is made of, in order; the runtime and the network come to it by choice. */
export const builtInPlugins: readonly AnyPlugin[] = [
  apiServerPlugin,
  informersPlugin,
  eventRecorderPlugin,
  webhooksPlugin,
  controllerManagerPlugin,
  controllers.namespacePlugin,
  controllers.serviceAccountPlugin,
  controllers.rootCaPlugin,
  controllers.secretTokenPlugin,
  controllers.deploymentPlugin,
  controllers.replicaSetPlugin,
  controllers.replicationPlugin,
  controllers.statefulSetPlugin,
  controllers.daemonSetPlugin,
  controllers.jobPlugin,
  controllers.cronJobPlugin,
  controllers.horizontalPodAutoscalerPlugin,
  controllers.resourceClaimPlugin,
  controllers.certificatesPlugin,
  controllers.disruptionPlugin,
  controllers.resourceQuotaPlugin,
  controllers.endpointSlicePlugin,
  controllers.endpointSliceMirroringPlugin,
  controllers.servicePlugin,
  controllers.serviceCidrPlugin,
  controllers.garbageCollectorPlugin,
  controllers.podGarbageCollectorPlugin,
  controllers.nodeLifecyclePlugin,
  controllers.volumeBinderPlugin,
  controllers.schedulerPlugin,
  hostPathPlugin,
  serviceProxyPlugin,
  nodePlugin,
] as readonly AnyPlugin[];
