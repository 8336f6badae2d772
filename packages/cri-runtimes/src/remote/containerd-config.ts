import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CniConfigList } from '@keelson/core/cni';
import { maxSocketPath } from './endpoint.ts';

export const sandboxImage = 'keelson.dev/pause:1';

/** Where our own containerd of one node keeps what. */
export interface ContainerdPaths {
  readonly dir: string;
  readonly config: string;
  readonly socket: string;
  readonly log: string;
  /** Who it is: `{ pid, startTicks }`. */
  readonly identity: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly images: string;
}

/** The socket lies in the data directory unless its path would be too long for the kernel. */
export function containerdPaths(dataDir: string): ContainerdPaths {
  const dir = join(dataDir, 'containerd');
  const near = join(dir, 'containerd.sock');
  const far = `/run/keelson/${createHash('sha256').update(dir).digest('hex').slice(0, 16)}/containerd.sock`;
  return {
    dir,
    config: join(dir, 'config.toml'),
    socket: Buffer.byteLength(`${near}.ttrpc`) < maxSocketPath ? near : far,
    log: join(dir, 'containerd.log'),
    identity: join(dir, 'containerd.json'),
    cniConfDir: join(dir, 'cni', 'conf'),
    cniBinDir: join(dir, 'cni', 'bin'),
    images: join(dir, 'imported.json'),
  };
}

export interface ContainerdConfig {
  readonly paths: ContainerdPaths;
  /** `runc` or `crun`, as an absolute path. */
  readonly ociRuntime: string;
  /** Without it the process may not lower a pause container's OOM score, and every sandbox would fail. */
  readonly maySetOomScore: boolean;
  /** `overlayfs`, or `native` where the data directory itself lies on an overlay. */
  readonly snapshotter: 'overlayfs' | 'native';
}

/** containerd's configuration, version 2: 1.6 reads it, 1.7 and 2.x too. */
export function containerdConfig({ paths, ociRuntime, maySetOomScore, snapshotter }: ContainerdConfig): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(join(paths.dir, 'root'))}
state = ${text(join(paths.dir, 'state'))}
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = ${text(paths.socket)}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${text(sandboxImage)}
  restrict_oom_score_adj = ${!maySetOomScore}
  tolerate_missing_hugetlb_controller = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = ${text(snapshotter)}
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = ${text(ociRuntime)}
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${text(paths.cniBinDir)}
    conf_dir = ${text(paths.cniConfDir)}
`;
}

/** What containerd needs to call its network ready although every pod uses the host's. */
export const loopbackOnly: CniConfigList = {
  cniVersion: '0.4.0',
  name: 'host',
  plugins: [{ type: 'loopback' }],
};
