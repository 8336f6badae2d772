import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../packages/keelson/test/cluster-process.ts';
import { Program } from '../operators/program.ts';
import { kubeconfig } from './kubeconfig.ts';

export interface KubeProxyOptions {
  readonly program: string;
  readonly dir: string;
  /** The node whose Services it looks after. */
  readonly node: string;
  readonly server: string;
  /** PEM of the cluster's authority. */
  readonly ca: string;
  readonly token: string;
  readonly ports: readonly [number, number];
}

/** A kube-proxy with nftables; its tables go with it. */
export class KubeProxy {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start({ program, dir, node, server, ca, token, ports }: KubeProxyOptions): Promise<KubeProxy> {
    await mkdir(dir, { recursive: true });
    const credentials = join(dir, 'kubeconfig');
    await writeFile(credentials, JSON.stringify(kubeconfig(server, ca, { token })), { mode: 0o600 });
    const configuration = {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      clientConnection: { kubeconfig: credentials },
      mode: 'nftables',
      hostnameOverride: node,
      healthzBindAddress: `127.0.0.1:${ports[0]}`,
      metricsBindAddress: `127.0.0.1:${ports[1]}`,
      conntrack: { maxPerCore: 0, min: 0 },
    };
    const file = join(dir, 'kube-proxy.yaml');
    await writeFile(file, JSON.stringify(configuration));
    return new KubeProxy(new Program(program, [`--config=${file}`]));
  }

  /** The end of what it has said. */
  get said(): string {
    return this.#program.said;
  }

  async stop(): Promise<void> {
    await this.#program.stop();
    for (const family of ['ip', 'ip6']) await command('nft', ['delete', 'table', family, 'kube-proxy']);
  }
}
