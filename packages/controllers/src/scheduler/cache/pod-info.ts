import { keyOf, type Pod, type PodAffinityTerm } from '@keelson/core';
import type { AffinityTerm, HostPort, PodInfo, PodQuery } from '@keelson/core/scheduling';
import { podRequests } from './amounts.ts';
import { BoundedMap } from './bounded-map.ts';
import { compileLabelSelector, compileNodeMatcher, selectorKey } from './label-matcher.ts';

type Labels = Readonly<Record<string, string>> | undefined;
type CompiledAffinity = Pick<PodInfo, 'affinity' | 'antiAffinity' | 'hasAffinity' | 'nodeMatcher'>;

const none: CompiledAffinity = {
  affinity: { required: [], preferred: [] },
  antiAffinity: { required: [], preferred: [] },
  hasAffinity: false,
  nodeMatcher: undefined,
};

/** Makes `PodInfo`s; what can be shared between pods of one template is compiled once and remembered. */
export class PodInfoFactory {
  private readonly compiled = new BoundedMap<CompiledAffinity>(2048);
  private readonly namespaceLabels: (namespace: string) => Labels;

  /** @param namespaceLabels labels of a namespace now, for namespace selectors */
  constructor(namespaceLabels: (namespace: string) => Labels) {
    this.namespaceLabels = namespaceLabels;
  }

  make(pod: Pod): PodInfo {
    const { affinity, nodeSelector } = pod.spec ?? {};
    const shared =
      affinity === undefined && nodeSelector === undefined
        ? none
        : this.compiled.getOrMake(`${pod.metadata.namespace} ${JSON.stringify([nodeSelector, affinity])}`, () =>
            this.compile(pod),
          );
    return {
      pod,
      key: keyOf(pod),
      priority: pod.spec?.priority ?? 0,
      requests: podRequests(pod, { nonZero: false }),
      nonZeroRequests: podRequests(pod, { nonZero: true }),
      ports: hostPorts(pod),
      affinity: shared.affinity,
      antiAffinity: shared.antiAffinity,
      hasAffinity: shared.hasAffinity,
      nodeMatcher: shared.nodeMatcher,
      tolerations: pod.spec?.tolerations ?? [],
    };
  }

  private compile(pod: Pod): CompiledAffinity {
    const { affinity, nodeSelector } = pod.spec ?? {};
    const own = pod.metadata.namespace ?? '';
    const required = (terms: readonly PodAffinityTerm[] = []) => terms.map((term) => this.term(term, own, 0));
    const preferred = (terms: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] = []) =>
      terms.map((each) => this.term(each.podAffinityTerm, own, each.weight));
    const result = {
      affinity: {
        required: required(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
        preferred: preferred(affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
      },
      antiAffinity: {
        required: required(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
        preferred: preferred(affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
      },
    };
    return {
      ...result,
      hasAffinity: Object.values(result).some((each) => each.required.length + each.preferred.length > 0),
      nodeMatcher: compileNodeMatcher(
        nodeSelector,
        affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
      ),
    };
  }

  private term(term: PodAffinityTerm, own: string, weight: number): AffinityTerm {
    return { topologyKey: term.topologyKey, weight, query: this.query(term, own) };
  }

  private query(term: PodAffinityTerm, own: string): PodQuery {
    const matchesLabels = compileLabelSelector(term.labelSelector);
    const named = term.namespaces ?? [];
    const namespaces = named.length === 0 && !term.namespaceSelector ? [own] : named;
    const key = `${[...namespaces].sort().join(',')}|${selectorKey(term.namespaceSelector)}|${selectorKey(term.labelSelector)}`;
    if (!term.namespaceSelector) {
      return {
        key,
        namespaces,
        matches: (pod) => namespaces.includes(pod.metadata.namespace ?? '') && matchesLabels(pod.metadata.labels),
      };
    }
    const matchesNamespace = compileLabelSelector(term.namespaceSelector);
    return {
      key,
      matches: (pod) => {
        const namespace = pod.metadata.namespace ?? '';
        return (
          matchesLabels(pod.metadata.labels) &&
          (namespaces.includes(namespace) || matchesNamespace(this.namespaceLabels(namespace)))
        );
      },
    };
  }
}

/** Ports of the host that the pod needs; restartable init containers hold theirs as long as the pod lives. */
export function hostPorts(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  const containers = pod.spec?.containers ?? [];
  const sidecars = pod.spec?.initContainers?.filter((each) => each.restartPolicy === 'Always') ?? [];
  for (const container of sidecars.length === 0 ? containers : [...containers, ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (port.hostPort) {
        ports.push({ ip: port.hostIP || '0.0.0.0', protocol: port.protocol ?? 'TCP', port: port.hostPort });
      }
    }
  }
  return ports;
}
