import type { HealthCheck } from '../http/health.ts';
import type { Storage } from '../storage/contract.ts';

/**
 * What Kubernetes does after its start and this server does too, in the order in which Kubernetes names it. Left out is
 * what is not here: leases and tokens of several servers.
 */
const hooks = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'start-cluster-authentication-info-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
] as const;

const lastHooks = ['apiservice-openapi-controller', 'apiservice-openapiv3-controller'] as const;

export interface HealthOf {
  readonly storage: Storage;
  /** Whether what is stored is encrypted. */
  readonly encrypted?: boolean;
  bootstrapped(): boolean;
  stopping(): boolean;
}

/** The checks of `/healthz`, `/livez` and `/readyz`, under Kubernetes' names and in its order. */
export function healthChecks({ storage, encrypted = false, bootstrapped, stopping }: HealthOf): readonly HealthCheck[] {
  const fine = async () => undefined;
  const stored = () => storage.healthy();
  const finished = async () => {
    if (!bootstrapped()) throw new Error('not finished');
  };
  return [
    { name: 'ping', check: fine },
    { name: 'log', check: fine },
    { name: 'etcd', check: stored },
    { name: 'etcd-readiness', endpoints: ['readyz'], check: stored },
    ...(encrypted ? [{ name: 'kms-providers', check: async () => storage.keysHealthy?.() }] : []),
    { name: 'informer-sync', endpoints: ['readyz'], check: finished },
    ...hooks.map((name): HealthCheck => ({ name: `poststarthook/${name}`, check: finished })),
    { name: 'autoregister-completion', check: finished },
    ...lastHooks.map((name): HealthCheck => ({ name: `poststarthook/${name}`, check: finished })),
    {
      name: 'shutdown',
      endpoints: ['readyz'],
      async check() {
        if (stopping()) throw new Error('process is shutting down');
      },
    },
  ];
}
