import type { AnyPlugin } from '@keelson/core/host';
import { certificatesPlugin } from '../certificates/plugin.ts';
import { cronJobPlugin } from '../cronjob/plugin.ts';
import { daemonSetPlugin } from '../daemonset/plugin.ts';
import { deploymentPlugin } from '../deployment/plugin.ts';
import { disruptionPlugin } from '../disruption/plugin.ts';
import { endpointSlicePlugin } from '../endpointslice/plugin.ts';
import { endpointSliceMirroringPlugin } from '../endpointslice-mirroring/plugin.ts';
import { garbageCollectorPlugin } from '../garbage-collector/plugin.ts';
import { horizontalPodAutoscalerPlugin } from '../horizontal-pod-autoscaler/plugin.ts';
import { jobPlugin } from '../job/plugin.ts';
import { namespacePlugin } from '../namespace/plugin.ts';
import { nodeLifecyclePlugin } from '../node-lifecycle/plugin.ts';
import { podGarbageCollectorPlugin } from '../pod-garbage-collector/plugin.ts';
import { replicaSetPlugin } from '../replicaset/plugin.ts';
import { replicationPlugin } from '../replication/plugin.ts';
import { resourceClaimPlugin } from '../resource-claim/plugin.ts';
import { resourceQuotaPlugin } from '../resource-quota/plugin.ts';
import { rootCaPlugin } from '../root-ca/plugin.ts';
import { schedulerPlugin } from '../scheduler/plugin.ts';
import { secretTokenPlugin } from '../secret-token/plugin.ts';
import { servicePlugin } from '../service/plugin.ts';
import { serviceAccountPlugin } from '../service-account/plugin.ts';
import { serviceCidrPlugin } from '../service-cidr/plugin.ts';
import { statefulSetPlugin } from '../statefulset/plugin.ts';
import { volumeBinderPlugin } from '../volume-binder/plugin.ts';

/** What runs alone against any cluster. */
export interface BuiltIn {
  readonly plugin: AnyPlugin;
  /**
   * Its counterparts, by the names that `--controllers` of kube-controller-manager v1.35 knows; the scheduler's is a program
   * of its own. Two that do the same work undo each other's.
   */
  readonly replaces: readonly string[];
  /** A contract that only its user can provide, with what it is. */
  readonly needs?: { readonly token: string; readonly what: string };
}

const builtIn = (plugin: unknown, replaces: readonly string[], needs?: BuiltIn['needs']): BuiltIn => ({
  plugin: plugin as AnyPlugin,
  replaces,
  ...(needs && { needs }),
});

/** In alphabetical order. */
export const builtIns: readonly BuiltIn[] = [
  builtIn(
    certificatesPlugin,
    [
      'certificatesigningrequest-approving-controller',
      'certificatesigningrequest-cleaner-controller',
      'certificatesigningrequest-signing-controller',
    ],
    { token: 'CertificateAuthority', what: "the key of the cluster's authority" },
  ),
  builtIn(cronJobPlugin, ['cronjob-controller']),
  builtIn(daemonSetPlugin, ['daemonset-controller']),
  builtIn(deploymentPlugin, ['deployment-controller']),
  builtIn(disruptionPlugin, ['disruption-controller']),
  builtIn(endpointSlicePlugin, ['endpointslice-controller', 'endpoints-controller']),
  builtIn(endpointSliceMirroringPlugin, ['endpointslice-mirroring-controller']),
  builtIn(garbageCollectorPlugin, ['garbage-collector-controller']),
  builtIn(horizontalPodAutoscalerPlugin, ['horizontal-pod-autoscaler-controller']),
  builtIn(jobPlugin, ['job-controller', 'ttl-after-finished-controller']),
  builtIn(namespacePlugin, ['namespace-controller']),
  builtIn(nodeLifecyclePlugin, ['node-lifecycle-controller', 'taint-eviction-controller']),
  builtIn(podGarbageCollectorPlugin, ['pod-garbage-collector-controller']),
  builtIn(replicaSetPlugin, ['replicaset-controller']),
  builtIn(replicationPlugin, ['replicationcontroller-controller']),
  builtIn(resourceClaimPlugin, ['resourceclaim-controller']),
  builtIn(resourceQuotaPlugin, ['resourcequota-controller']),
  builtIn(rootCaPlugin, ['root-ca-certificate-publisher-controller']),
  builtIn(schedulerPlugin, []),
  builtIn(secretTokenPlugin, ['serviceaccount-token-controller'], {
    token: 'SecretTokenSigner',
    what: 'the key by which the API server knows the tokens of ServiceAccounts',
  }),
  builtIn(servicePlugin, ['service-lb-controller']),
  builtIn(serviceAccountPlugin, ['serviceaccount-controller']),
  builtIn(serviceCidrPlugin, ['service-cidr-controller']),
  builtIn(statefulSetPlugin, ['statefulset-controller']),
  builtIn(volumeBinderPlugin, [
    'persistentvolume-binder-controller',
    'persistentvolume-protection-controller',
    'persistentvolumeclaim-protection-controller',
    'volumeattributesclass-protection-controller',
  ]),
];
