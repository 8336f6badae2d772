import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program } from '../operators/program.ts';
import { kubeconfig } from './kubeconfig.ts';

export interface KubeletOptions {
  readonly program: string;
  readonly dir: string;
  readonly name: string;
  readonly server: string;
  /** PEM of the cluster's authority. */
  readonly ca: string;
  /** With which it asks for its first certificate. */
  readonly bootstrapToken: string;
  readonly containerdSocket: string;
  readonly nodeIp: string;
  readonly port: number;
}

/**
 * A kubelet that joins by TLS bootstrap: all that it is given is a token and the cluster's authority. It makes no cgroups
 * of its own, so that it clears away none of another kubelet's on this machine.
 */
export async function startKubelet(options: KubeletOptions): Promise<Program> {
  const { dir, name, server, ca, bootstrapToken, port } = options;
  await mkdir(dir, { recursive: true });
  const caFile = join(dir, 'ca.crt');
  await writeFile(caFile, ca);
  const bootstrap = join(dir, 'bootstrap.kubeconfig');
  await writeFile(bootstrap, JSON.stringify(kubeconfig(server, ca, { token: bootstrapToken })), { mode: 0o600 });
  const configuration = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    port,
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    containerRuntimeEndpoint: `unix://${options.containerdSocket}`,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: caFile } },
    authorization: { mode: 'Webhook' },
    rotateCertificates: true,
    serverTLSBootstrap: true,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    evictionHard: { 'nodefs.available': '64Mi' },
    healthzPort: 0,
    podLogsDir: join(dir, 'logs'),
    volumePluginDir: join(dir, 'volume-plugins'),
    makeIPTablesUtilChains: false,
  };
  const file = join(dir, 'kubelet.yaml');
  await writeFile(file, JSON.stringify(configuration));
  return new Program(options.program, [
    `--config=${file}`,
    `--bootstrap-kubeconfig=${bootstrap}`,
    `--kubeconfig=${join(dir, 'kubeconfig')}`,
    `--root-dir=${join(dir, 'root')}`,
    `--cert-dir=${join(dir, 'pki')}`,
    `--hostname-override=${name}`,
    `--node-ip=${options.nodeIp}`,
  ]);
}
