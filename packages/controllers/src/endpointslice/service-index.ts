import {
  type Informer,
  type InformerEvent,
  keyOf,
  type Lister,
  matchesLabels,
  type ObjectKey,
  type Pod,
  type Service,
  semanticEqual,
} from '@keelson/core';
import { isPodReady, isPodTerminal } from '../pod-control/index.ts';
import { selectsPods } from './endpoints-of-service.ts';

const byLabel = 'labelPair';
const bySelector = 'selectorPair';

const pair = (namespace: string | undefined, label: string, value: string) => `${namespace ?? ''}/${label}=${value}`;

const labelPairs = (pod: Pod): readonly string[] =>
  Object.entries(pod.metadata.labels ?? {}).map(([label, value]) => pair(pod.metadata.namespace, label, value));

/** One pair of the selector is enough to find the Service by; which one does not matter. */
const selectorPair = (service: Service): readonly string[] => {
  const first = Object.entries(service.spec.selector ?? {})[0];
  return first === undefined || !selectsPods(service) ? [] : [pair(service.metadata.namespace, first[0], first[1])];
};

/** Files pods by each of their labels, and Services by one pair of their selector: neither is ever looked for by a scan. */
export function addServiceIndexes(services: Informer<Service>, pods: Informer<Pod>): void {
  pods.addIndex(byLabel, labelPairs);
  services.addIndex(bySelector, selectorPair);
}

/** The pods that a Service selects; an empty selector selects none. */
export function podsOfService(lister: Lister<Pod>, service: Service): readonly Pod[] {
  const selector = service.spec.selector ?? {};
  let fewest: readonly Pod[] | undefined;
  for (const [label, value] of Object.entries(selector)) {
    const found = lister.by(byLabel, pair(service.metadata.namespace, label, value));
    if (fewest === undefined || found.length < fewest.length) fewest = found;
  }
  return (fewest ?? []).filter((pod) => matchesLabels(selector, pod.metadata.labels));
}

/** The Services that select a pod. */
export function servicesOfPod(lister: Lister<Service>, pod: Pod): readonly ObjectKey[] {
  return labelPairs(pod)
    .flatMap((value) => lister.by(bySelector, value))
    .filter((service) => matchesLabels(service.spec.selector ?? {}, pod.metadata.labels))
    .map(keyOf);
}

/** Whether a pod changed in anything that endpoints show. */
export function concernsEndpoints(pod: Pod, event: InformerEvent<Pod>): boolean {
  if (event.type !== 'updated') return true;
  return !semanticEqual(visible(pod), visible(event.previous));
}

function visible(pod: Pod): unknown {
  const { labels, deletionTimestamp } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  const addresses = [pod.status?.podIP, pod.status?.podIPs];
  const going = deletionTimestamp !== undefined;
  return { labels, going, nodeName, hostname, subdomain, addresses, ready: isPodReady(pod), over: isPodTerminal(pod) };
}
