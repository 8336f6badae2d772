import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { controllerNames } from '../packages/keelson/src/config/schema.ts';
import { binary } from './binaries.mjs';

export const realControlPlanePrograms = ['kube-controller-manager', 'kube-scheduler', 'kwok'] as const;

const annotation = { key: 'kwok.x-k8s.io/node', value: 'fake' };
const room = { cpu: '32', memory: '256Gi', pods: '110', 'ephemeral-storage': '100Gi' };

/** Lines of `keelson.yaml` that leave nothing but the API server, without nodes: who controls comes from outside. */
export const apiServerOnly = [
  'runtime: simulated',
  'nodes: 0',
  'network: none',
  'storage: []',
  'controllers:',
  ...controllerNames.map((each) => `  ${each}: false`),
  '',
].join('\n');

/** A node that kwok plays; its address ends as its name does. */
export const simulatedNode = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    annotations: { [annotation.key]: annotation.value },
    labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
  },
  status: {
    allocatable: room,
    capacity: room,
    addresses: [
      { type: 'InternalIP', address: `192.0.2.${/\d*$/.exec(name)?.[0] || '1'}` },
      { type: 'Hostname', address: name },
    ],
  },
});

/** Makes two nodes of kwok's; resolves when both are ready. */
export function addSimulatedNodes(kubeconfig: string): void {
  const items = ['node-1', 'node-2'].map(simulatedNode);
  const kubectl = (args: readonly string[], input = '') =>
    execFileSync(binary('kubectl'), [`--kubeconfig=${kubeconfig}`, ...args], {
      input,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
  kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  kubectl(['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=120s']);
}

export interface RealControlPlane {
  /** Ends all of it. */
  stop(): Promise<void>;
}

/**
 * Starts Kubernetes' own controller manager and scheduler, and kwok for the nodes, against an API server. It does not
 * wait for them. Their logs go to `dir`.
 */
export function startRealControlPlane(options: {
  readonly kubeconfig: string;
  /** The cluster's keys: `<data directory>/pki`. */
  readonly pki: string;
  readonly dir: string;
  /** What others do: controllers, by the names of `--controllers`, and `kube-scheduler`. */
  readonly without?: readonly string[];
}): RealControlPlane {
  const { kubeconfig, pki, dir, without = [] } = options;
  const controllers = ['*', ...without.filter((each) => each !== 'kube-scheduler').map((each) => `-${each}`)];
  const access = ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${kubeconfig}`,
  );
  const args: Record<(typeof realControlPlanePrograms)[number], readonly string[]> = {
    'kube-controller-manager': [
      ...access,
      `--service-account-private-key-file=${pki}/sa.key`,
      `--root-ca-file=${pki}/ca.crt`,
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      '--use-service-account-credentials=true',
      '--allocate-node-cidrs=true',
      '--cluster-cidr=10.244.0.0/16',
      '--secure-port=0',
      `--controllers=${controllers.join(',')}`,
    ],
    'kube-scheduler': [...access, '--secure-port=0'],
    kwok: [
      `--kubeconfig=${kubeconfig}`,
      `--config=${fileURLToPath(new URL('kwok-pods.yaml', import.meta.url))}`,
      '--manage-all-nodes=false',
      `--manage-nodes-with-annotation-selector=${annotation.key}=${annotation.value}`,
      '--cidr=10.245.0.0/24',
      '--node-lease-duration-seconds=40',
    ],
  };
  const programs = realControlPlanePrograms.filter((name) => !without.includes(name));
  const running = programs.map((name) => {
    const log = openSync(join(dir, `${name}.log`), 'w');
    const child = spawn(binary(name), args[name], { stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  });
  return {
    async stop() {
      await Promise.all(running.map(end));
    },
  };
}

/** At once: what they hold is a lease in a cluster that ends with them. */
function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
