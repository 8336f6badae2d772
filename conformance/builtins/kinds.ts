import { builtIns } from '../../packages/controllers/src/standalone/built-ins.ts';
import type { ConformanceTest } from '../suite/ledger.ts';

/** Built-ins that run alone in place of their counterparts, and the tests of their kind. */
export interface Kind {
  readonly name: string;
  /** As `keelson-controller-manager` names them. */
  readonly plugins: readonly string[];
  readonly tests: RegExp;
  /** Two that are quick, for a look; the others take minutes. */
  readonly quick: readonly RegExp[];
}

/** Those of the issue first; then all others that tests of the suite are about. */
export const kinds: readonly Kind[] = [
  {
    name: 'deployment',
    plugins: ['deployment'],
    tests: /\[sig-apps\] Deployment /,
    quick: [/RecreateDeployment should delete old pods/, /should have a working scale subresource/],
  },
  {
    name: 'job',
    plugins: ['job'],
    tests: /\[sig-apps\] (Job|CronJob|TTLAfterFinished) /,
    quick: [/Job should create pods for an Indexed job/, /Job should delete a job/],
  },
  {
    name: 'endpointslice',
    plugins: ['endpointslice'],
    tests: /\[sig-network\] (EndpointSlice|EndpointsController|Endpoints|Service endpoints latency|Services) /,
    quick: [
      /EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service/,
      /EndpointsController should create Endpoints for Pods matching a Service/,
    ],
  },
  {
    // All that kube-controller-manager does for Services, but for their endpoints.
    name: 'service',
    plugins: ['service', 'service-cidr', 'endpointslice-mirroring'],
    tests: /\[sig-network\] (Services|ServiceCIDR and IPAddress API|EndpointSliceMirroring) /,
    quick: [
      /Services should complete a service status lifecycle/,
      /EndpointSliceMirroring should mirror a custom Endpoints/,
    ],
  },
  {
    name: 'scheduler',
    plugins: ['scheduler'],
    tests: /\[sig-scheduling\] Scheduler/,
    quick: [/NodeSelector is respected if matching/, /NodeSelector is respected if not matching/],
  },
  {
    name: 'cronjob',
    plugins: ['cronjob'],
    tests: /\[sig-apps\] CronJob /,
    quick: [/CronJob should schedule multiple jobs concurrently/],
  },
  {
    name: 'replicaset',
    plugins: ['replicaset'],
    tests: /\[sig-apps\] (ReplicaSet|Deployment) /,
    quick: [/ReplicaSet should adopt matching pods/, /ReplicaSet Replicaset should have a working scale/],
  },
  {
    name: 'replication',
    plugins: ['replication'],
    tests: /\[sig-apps\] ReplicationController /,
    quick: [/ReplicationController should adopt matching pods/],
  },
  {
    name: 'statefulset',
    plugins: ['statefulset'],
    tests: /\[sig-apps\] StatefulSet /,
    quick: [/StatefulSet .* should have a working scale subresource/],
  },
  {
    name: 'daemonset',
    plugins: ['daemonset'],
    tests: /\[sig-apps\] (Daemon set|ControllerRevision) /,
    quick: [/Daemon set \[Serial\] should run and stop simple daemon/],
  },
  {
    name: 'disruption',
    plugins: ['disruption'],
    tests: /\[sig-apps\] DisruptionController /,
    quick: [/DisruptionController should observe PodDisruptionBudget status updated/],
  },
  {
    name: 'endpointslice-mirroring',
    plugins: ['endpointslice-mirroring'],
    tests: /\[sig-network\] EndpointSliceMirroring /,
    quick: [/EndpointSliceMirroring/],
  },
  {
    name: 'garbage-collector',
    plugins: ['garbage-collector'],
    tests: /\[sig-api-machinery\] Garbage collector /,
    quick: [/Garbage collector should delete RS created by deployment when not orphaning/],
  },
  {
    name: 'namespace',
    plugins: ['namespace'],
    tests: /\[sig-api-machinery\] (Namespaces|OrderedNamespaceDeletion) /,
    quick: [/Namespaces \[Serial\] should ensure that all services are removed/],
  },
  {
    name: 'resource-quota',
    plugins: ['resource-quota'],
    tests: /\[sig-api-machinery\] ResourceQuota /,
    quick: [/ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated/],
  },
  {
    name: 'service-account',
    plugins: ['service-account', 'root-ca'],
    tests: /\[sig-auth\] ServiceAccounts /,
    quick: [/ServiceAccounts should guarantee kube-root-ca.crt exist/],
  },
  {
    name: 'node-lifecycle',
    plugins: ['node-lifecycle'],
    tests: /\[sig-node\] NoExecuteTaintManager /,
    quick: [/NoExecuteTaintManager Single Pod/],
  },
];

/** What they replace, as `startRealControlPlane` leaves it out. */
export function counterpartsOf(plugins: readonly string[]): readonly string[] {
  return builtIns
    .filter(({ plugin }) => plugins.includes(plugin.name))
    .flatMap(({ plugin, replaces }) => (plugin.name === 'scheduler' ? ['kube-scheduler'] : replaces));
}

/** What kwok's nodes do not do, whoever controls them: with Kubernetes' own programs these fail as well. */
const beyondKwok = [
  // Refuse a second pod with the same host port.
  /StatefulSet .*Should recreate evicted statefulset/,
  // Allot what is added to a node's capacity.
  /pod overhead is considered along with resource limits/,
  // Run a script that takes its time to end.
  /recreate pods only after they have failed if pod replacement policy is set to Failed/,
  // Probe whether containers are ready.
  /DisruptionController should (not )?evict (un)?ready pods with/,
];

/** The tests of a kind that nodes can do which only play their containers. */
export function testsOf({ tests, quick }: Kind, all: readonly ConformanceTest[], { short = false } = {}) {
  const possible = all.filter(
    (test) =>
      test.class !== 'real-containers' && tests.test(test.name) && !beyondKwok.some((each) => each.test(test.name)),
  );
  return short ? possible.filter(({ name }) => quick.some((each) => each.test(name))) : possible;
}
