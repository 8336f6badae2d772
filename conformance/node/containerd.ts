import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildBusyboxImage } from '../../packages/cri-runtimes/src/index.ts';
import { command, eventually } from '../../packages/keelson/test/cluster-process.ts';
import { Program } from '../operators/program.ts';

/** The image of the pods, and of their sandboxes; it is on the node and nowhere else. */
export const image = 'docker.io/library/busybox:node';

const bridge = 'keelson-judge';

/** Debian's containerd with a network of its own, and nothing of it outside `dir` but the bridge. */
export class Containerd {
  readonly socket: string;
  /** An address of this machine, on the network of the pods. */
  readonly nodeIp: string;
  readonly #dir: string;
  readonly #subnet: string;
  #program: Program | undefined;

  /** @param network the first three numbers of the addresses of nodes and pods */
  constructor(dir: string, network: string) {
    this.#dir = dir;
    this.#subnet = `${network}.0/24`;
    this.nodeIp = `${network}.1`;
    this.socket = join(dir, 'containerd.sock');
  }

  async start(): Promise<void> {
    const dir = this.#dir;
    await mkdir(join(dir, 'cni'), { recursive: true });
    await writeFile(join(dir, 'containerd.toml'), this.#configuration());
    await writeFile(join(dir, 'cni/10-pods.conflist'), JSON.stringify(this.#network()));
    await command('ip', ['link', 'add', bridge, 'type', 'bridge']);
    await command('ip', ['addr', 'replace', `${this.nodeIp}/24`, 'dev', bridge]);
    await command('ip', ['link', 'set', bridge, 'up']);
    const file = join(dir, 'image.tar');
    await buildBusyboxImage({ reference: image, file, config: { cmd: ['sleep', '2147483647'] } });
    this.#program = new Program('containerd', ['-c', join(dir, 'containerd.toml')]);
    await eventually(
      () => this.#ctr('image', 'import', file),
      (outcome) => outcome.code === 0,
      `an image to be taken: ${this.#program.said}`,
    );
  }

  /** The containers and sandboxes that run. */
  async running(): Promise<string[]> {
    const { stdout } = await this.#ctr('task', 'ls', '-q');
    return stdout.split('\n').filter(Boolean);
  }

  /** Ends all containers and takes the network away. */
  async stop(): Promise<void> {
    for (const id of await this.running()) await this.#ctr('task', 'rm', '-f', id);
    await this.#program?.stop();
    const { stdout } = await command('awk', [
      '-v',
      `dir=${this.#dir}/`,
      'index($2, dir) == 1 { print $2 }',
      '/proc/mounts',
    ]);
    for (const mount of stdout.split('\n').filter(Boolean).reverse()) await command('umount', ['-l', mount]);
    await command('ip', ['link', 'del', bridge]);
  }

  #ctr(...args: string[]) {
    return command('ctr', ['-a', this.socket, '-n', 'k8s.io', ...args]);
  }

  #configuration(): string {
    const text = JSON.stringify;
    return `version = 2
root = ${text(join(this.#dir, 'containerd/root'))}
state = ${text(join(this.#dir, 'containerd/state'))}
[grpc]
  address = ${text(this.socket)}
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  tolerate_missing_hugetlb_controller = true
  sandbox_image = ${text(image)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${text(join(this.#dir, 'cni'))}
`;
  }

  #network(): object {
    const ranges = [[{ subnet: this.#subnet }]];
    const ipam = { type: 'host-local', dataDir: join(this.#dir, 'ipam'), ranges, routes: [{ dst: '0.0.0.0/0' }] };
    const plugin = { type: 'bridge', bridge, isGateway: true, ipMasq: false, ipam };
    return { cniVersion: '1.0.0', name: 'pods', plugins: [plugin] };
  }
}
