import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import type { ContainerRuntime } from '@keelson/core/cri';
import { systemClock } from '@keelson/core/machinery';
import { buildBusyboxImage, remoteOptionsSchema, shutdownContainerd } from '@keelson/cri-runtimes';
import { findContainerd } from '../../cri-runtimes/src/remote/private-containerd.ts';
import { RemoteRuntimeProvider } from '../../cri-runtimes/src/remote/provider.ts';
import { testLogger } from './kubelet-harness.ts';

/** Why containers cannot be run for real here, if so. */
export async function withoutContainerd(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root';
  const programs = await findContainerd();
  if ('missing' in programs) return programs.missing;
  if (!existsSync('/usr/lib/cni/ptp')) return 'CNI plugins are not in /usr/lib/cni';
  return existsSync('/bin/busybox') ? undefined : 'busybox-static, for the test image, is not installed';
}

function routedPods(name: string, subnet: string): NetworkPlugin {
  return {
    ownNamespace: true,
    add: () => Promise.reject(new Error('containerd calls its plugins itself')),
    del: async () => undefined,
    check: async () => undefined,
    status: async () => undefined,
    gc: async () => undefined,
    close: async () => undefined,
    configList: () => ({
      list: {
        cniVersion: '1.0.0',
        name,
        plugins: [
          { type: 'ptp', ipMasq: false, ipam: { type: 'host-local', ranges: [[{ subnet }]], dataDir: `/run/${name}` } },
        ],
      },
      binDirs: ['/usr/lib/cni'],
    }),
  };
}

/** A containerd of the test's own, with the image `busybox:test`. */
export async function openContainerd(): Promise<{
  runtime: ContainerRuntime;
  reopen(): Promise<ContainerRuntime>;
  close(): Promise<void>;
}> {
  const dataDir = await mkdtemp(join(tmpdir(), 'kubelet-cri-'));
  const name = `keelson-node-${process.pid}`;
  // A run that was killed may have left routes behind.
  const subnet = `10.214.${process.pid % 250}.0/24`;
  const network = routedPods(name, subnet);
  const node = { nodeName: 'node-1', index: 0, dataDir, podCidr: subnet, nodeIp: '127.0.0.1', network };
  await mkdir(join(dataDir, 'images'));
  await buildBusyboxImage({ reference: 'busybox:test', file: join(dataDir, 'images', 'busybox.tar') });
  const provider = new RemoteRuntimeProvider(systemClock, testLogger, remoteOptionsSchema.parse({}));
  let runtime = await provider.open(node);
  return {
    runtime,
    async reopen() {
      runtime = await provider.open(node);
      return runtime;
    },
    async close() {
      // It would start containerd again while it is taken away.
      await runtime.close();
      await shutdownContainerd(dataDir, systemClock);
      await rm(dataDir, { recursive: true, force: true });
      await rm(`/run/${name}`, { recursive: true, force: true });
    },
  };
}
