import type { Pod } from '@keelson/core';
import type { PodInfo, PodQuery } from '@keelson/core/scheduling';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PodInfoFactory } from './pod-info.ts';
import { TopologyIndex } from './topology-index.ts';

const factory = new PodInfoFactory(() => ({}));
const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'a' } } };
const makePod = (name: string, app: string): PodInfo => {
  const pod: Pod = {
    metadata: { name, namespace: 'n', labels: { app } },
    spec: {
      containers: [],
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
    },
  };
  return factory.make(pod);
};
const query: PodQuery = { key: 'q', namespaces: ['n'], matches: (pod) => pod.metadata.labels?.['app'] === 'a' };

const step = fc.oneof(
  fc.record({ do: fc.constant('pod' as const), pod: fc.nat(5), node: fc.nat(3), app: fc.constantFrom('a', 'b') }),
  fc.record({ do: fc.constant('label' as const), node: fc.nat(3), zone: fc.option(fc.constantFrom('x', 'y')) }),
  fc.record({ do: fc.constant('ask' as const) }),
);

it('counts what a scan of all pods would count, whatever happens in which order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const labels = new Map<string, Readonly<Record<string, string>> | undefined>();
      const pods = new Map<string, { info: PodInfo; node: string }>();
      const onNodes = () => {
        const result = new Map<string, PodInfo[]>();
        for (const { info, node } of pods.values()) result.set(node, [...(result.get(node) ?? []), info]);
        return result;
      };
      const index = new TopologyIndex((node) => labels.get(node), onNodes);
      const scan = (which: (info: PodInfo) => boolean) => {
        const counts = new Map<string, number>();
        for (const { info, node } of pods.values()) {
          const zone = labels.get(node)?.['zone'];
          if (zone !== undefined && which(info)) counts.set(zone, (counts.get(zone) ?? 0) + 1);
        }
        return counts;
      };
      for (const each of steps) {
        if (each.do === 'pod') {
          const key = `p${each.pod}`;
          const known = pods.get(key);
          pods.delete(key);
          if (known) index.podChanged(known.info, known.node, -1);
          const info = makePod(key, each.app);
          pods.set(key, { info, node: `n${each.node}` });
          index.podChanged(info, `n${each.node}`, 1);
        } else if (each.do === 'label') {
          const node = `n${each.node}`;
          const before = labels.get(node);
          labels.set(node, each.zone === null ? undefined : { zone: each.zone });
          index.nodeLabelsChanged(node, before, labels.get(node));
        } else {
          expect(index.countByTopology(query, 'zone')).toEqual(scan((info) => query.matches(info.pod)));
        }
      }
      expect(index.countByTopology(query, 'zone')).toEqual(scan((info) => query.matches(info.pod)));
      expect([...index.existingTerms()].map((each) => each.counts)).toEqual(pods.size > 0 ? [scan(() => true)] : []);
    }),
  );
});
