import { join } from 'node:path';
import type { Deployment, Job, Lease, Node } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterProcess, ci, eventually } from '../../packages/keelson/test/cluster-process.ts';
import {
  apiServerOnly,
  type RealControlPlane,
  realControlPlanePrograms,
  simulatedNode,
  startRealControlPlane,
} from '../real-control-plane.ts';
import { realProgram } from './real-programs.ts';

/** Ours are all switched off: whatever happens here is done by Kubernetes' own programs on our API server. */
describe.skipIf(realControlPlanePrograms.some((each) => !realProgram(each)) && !ci)(
  'the real controller manager, scheduler and simulated nodes on our API server',
  () => {
    let cluster: ClusterProcess;
    let others: RealControlPlane | undefined;

    beforeAll(async () => {
      cluster = await ClusterProcess.start({ config: apiServerOnly });
      others = startRealControlPlane({
        kubeconfig: cluster.kubeconfig,
        pki: join(cluster.dir, 'data/pki'),
        dir: cluster.dir,
      });
      await cluster.kubectl(
        'create -f -',
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ['n1', 'n2'].map(simulatedNode) }),
      );
      await eventually(
        () => cluster.json<{ items: Node[] }>('get nodes'),
        ({ items }) =>
          items.every(
            ({ status, spec }) =>
              spec?.podCIDR && status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'),
          ),
        'two ready nodes',
      );
    });
    afterAll(async () => {
      await others?.stop();
      await cluster?.remove();
    });

    it('hold their leases', async () => {
      const held = await eventually(
        () => cluster.json<{ items: Lease[] }>('get leases -A'),
        ({ items }) => items.filter(({ spec }) => spec?.holderIdentity).length >= 4,
        'leases of both and of two nodes',
      );
      const names = held.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      for (const each of ['kube-system/kube-controller-manager', 'kube-system/kube-scheduler', 'kube-node-lease/n1'])
        expect(names).toContain(each);
    });

    it('roll out a Deployment, and roll it back', async () => {
      await cluster.kubectl('create deployment web --image=example.com/web:1 --replicas=4');
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      await cluster.kubectl('set image deployment/web web=example.com/web:2');
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      await cluster.kubectl('rollout undo deployment/web');
      await cluster.kubectl('rollout status deployment/web --timeout=60s');
      const { spec } = await cluster.json<Deployment>('get deployment web');
      expect(spec?.template.spec?.containers[0]?.image).toBe('example.com/web:1');
    });

    it('end a Job', async () => {
      await cluster.kubectl('create job once --image=example.com/once:1');
      await cluster.kubectl('wait --for=condition=Complete job/once --timeout=60s');
      expect((await cluster.json<Job>('get job once')).status?.succeeded).toBe(1);
    });

    it('collect garbage', async () => {
      await cluster.kubectl('delete deployment web');
      await eventually(
        () => cluster.kubectl('get replicasets,pods -l app=web -o name'),
        (text) => text === '',
        'replica sets and pods to go',
      );
    });

    it('empty a namespace', async () => {
      await cluster.kubectl('create namespace full');
      await cluster.kubectl('create deployment web --image=example.com/web:1 --replicas=2 -n full');
      await cluster.kubectl('create configmap c --from-literal=a=b -n full');
      await cluster.kubectl('rollout status deployment/web -n full --timeout=60s');
      await cluster.kubectl('delete namespace full --timeout=60s');
      expect(await cluster.kubectl('get all,configmaps -A -o name')).not.toContain('full');
    });
  },
);
