import type { InformerStatus } from '../informer/index.ts';
import type { Clock } from '../machinery/index.ts';
import type { HealthCheck } from '../plugin/index.ts';

/** A server that is away so long may be one that only this process cannot reach. */
const longMs = 5 * 60_000;

/** Ready: every cache holds what there is. A standby that keeps its caches is ready too. */
export function informersSynced(statuses: () => readonly InformerStatus[]): HealthCheck {
  return {
    name: 'informer-sync',
    endpoints: ['readyz'],
    check() {
      const missing = statuses().filter((each) => !each.synced);
      if (missing.length > 0) throw new Error(`not synced: ${missing.map(nameOf).join(', ')}`);
    },
  };
}

/** Healthy: no cache has been cut off from the server for more than five minutes. */
export function informersAnswer(statuses: () => readonly InformerStatus[], clock: Pick<Clock, 'now'>): HealthCheck {
  return {
    name: 'informers',
    endpoints: ['healthz'],
    check() {
      const before = clock.now() - longMs;
      const failing = statuses().filter(({ failingSince = Number.POSITIVE_INFINITY }) => failingSince < before);
      if (failing.length > 0) throw new Error(`failing for more than five minutes: ${failing.map(nameOf).join(', ')}`);
    },
  };
}

function nameOf({ type: { plural, group }, scope: { namespace } }: InformerStatus): string {
  const resource = group === '' ? plural : `${plural}.${group}`;
  return namespace === undefined ? resource : `${resource} in ${namespace}`;
}
