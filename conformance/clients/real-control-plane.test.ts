import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Deployment, Job, Lease, Node } from '@keelson/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerNames } from '../../packages/keelson/src/config/schema.ts';
import { ClusterProcess, ci, eventually } from '../../packages/keelson/test/cluster-process.ts';
import { realProgram } from './real-programs.ts';

const programs = ['kube-controller-manager', 'kube-scheduler', 'kwok'] as const;

const node = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    annotations: { 'kwok.x-k8s.io/node': 'fake' },
    labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' },
  },
  status: {
    allocatable: { cpu: '32', memory: '256Gi', pods: '110' },
    capacity: { cpu: '32', memory: '256Gi', pods: '110' },
  },
});

/** Ours are all switched off: whatever happens here is done by Kubernetes' own programs on our API server. */
describe.skipIf(programs.some((each) => !realProgram(each)) && !ci)(
  'the real controller manager, scheduler and simulated nodes on our API server',
  () => {
    let cluster: ClusterProcess;
    const running: ChildProcess[] = [];

    const start = (name: (typeof programs)[number], args: readonly string[]) => {
      const log = createWriteStream(join(cluster.dir, `${name}.log`));
      const child = spawn(realProgram(name) ?? name, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.pipe(log, { end: false });
      child.stderr.pipe(log, { end: false });
      running.push(child);
    };

    beforeAll(async () => {
      const off = controllerNames.map((each) => `  ${each}: false`).join('\n');
      cluster = await ClusterProcess.start({
        args: ['--runtime', 'simulated', '--nodes', '0'],
        config: `network: none\nstorage: []\ncontrollers:\n${off}\n`,
      });
      const pki = join(cluster.dir, 'data', 'pki');
      const access = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
        (flag) => `--${flag}=${cluster.kubeconfig}`,
      );
      start('kube-controller-manager', [
        ...access,
        `--service-account-private-key-file=${pki}/sa.key`,
        `--root-ca-file=${pki}/ca.crt`,
        `--cluster-signing-cert-file=${pki}/ca.crt`,
        `--cluster-signing-key-file=${pki}/ca.key`,
        '--use-service-account-credentials=true',
        '--allocate-node-cidrs=true',
        '--cluster-cidr=10.244.0.0/16',
        '--secure-port=0',
      ]);
      start('kube-scheduler', [...access, '--secure-port=0']);
      start('kwok', [
        `--kubeconfig=${cluster.kubeconfig}`,
        '--manage-all-nodes=false',
        '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
        '--cidr=10.245.0.0/24',
        '--node-lease-duration-seconds=40',
      ]);
      await cluster.kubectl(
        'create -f -',
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ['n1', 'n2'].map(node) }),
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
      await Promise.all(
        running.map(
          (child) =>
            new Promise<void>((resolve) => {
              if (child.exitCode !== null) return resolve();
              child.once('exit', () => resolve());
              child.kill('SIGKILL');
            }),
        ),
      );
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
