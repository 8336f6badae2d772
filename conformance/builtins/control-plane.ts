import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubeconfigYaml, openPki } from '@keelson/apiserver';
import { systemClock } from '@keelson/core';
import { addSimulatedNodes, type RealControlPlane, startRealControlPlane } from '../real-control-plane.ts';
import { end, startReal } from '../twin/real-server.ts';

/** Kubernetes' own control plane with two simulated nodes, but for what is left out of it. */
export interface ControlPlane {
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** Of the users that Kubernetes' own programs have, with no more rights than theirs. */
  readonly users: { readonly 'kube-controller-manager': string; readonly 'kube-scheduler': string };
  stop(): Promise<void>;
}

/**
 * Starts etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok; resolves when the nodes are ready.
 * @param without controllers, by the names of `--controllers`, and `kube-scheduler`
 */
export async function startControlPlane(dir: string, without: readonly string[]): Promise<ControlPlane> {
  const children: ChildProcess[] = [];
  let others: RealControlPlane | undefined;
  const stop = async () => {
    await others?.stop();
    // The server before its store.
    for (const each of children.toReversed()) await end(each);
  };
  try {
    mkdirSync(join(dir, 'pki'), { recursive: true });
    const pki = await openPki(join(dir, 'pki'), { clock: systemClock });
    const { kubeconfig, url } = await startReal({ dir, pki, children, disableAdmissionPlugins: [] });
    const kubeconfigOf = async (program: string) => {
      const credentials = await pki.issueClient({ commonName: `system:${program}` });
      const file = join(dir, `${program}.kubeconfig`);
      writeFileSync(file, kubeconfigYaml({ server: url, ca: pki.ca, credentials }), { mode: 0o600 });
      return file;
    };
    const users = {
      'kube-controller-manager': await kubeconfigOf('kube-controller-manager'),
      'kube-scheduler': await kubeconfigOf('kube-scheduler'),
    };
    others = startRealControlPlane({ kubeconfig, pki: join(dir, 'pki'), dir, without });
    addSimulatedNodes(kubeconfig);
    return { kubeconfig, users, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
