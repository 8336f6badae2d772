import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { NetworkPlugin } from '@keelson/core/cni';
import { criConformance } from '@keelson/core/cri/conformance';
import { systemClock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { waitFor } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { buildBusyboxImage } from '../images/host-files.ts';
import { loopbackRange } from '../model/loopback-range.ts';
import { connectCri } from './cri-client.ts';
import { criService } from './descriptor.ts';
import { grpcTarget } from './endpoint.ts';
import { remoteOptionsSchema } from './options.ts';
import { findContainerd, shutdownContainerd } from './private-containerd.ts';
import { RemoteRuntimeProvider } from './provider.ts';

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  named: () => quiet,
};

/** The plugins of Debian's package, by which containerd gives each pod a network. */
function bridgeNetwork(name: string, subnet: string): NetworkPlugin {
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

const hostNetwork: NetworkPlugin = { ...bridgeNetwork('none', ''), ownNamespace: false, configList: () => undefined };

async function unavailable(): Promise<string | undefined> {
  const programs = await findContainerd();
  if ('missing' in programs) return programs.missing;
  if (!existsSync('/usr/lib/cni/ptp')) return 'CNI plugins are not in /usr/lib/cni';
  return existsSync('/bin/busybox') ? undefined : 'busybox-static, for the test image, is not installed';
}

async function open(network: NetworkPlugin) {
  const dataDir = await mkdtemp(join(tmpdir(), 'remote-'));
  const node = { nodeName: 'node', index: 0, dataDir, podCidr: '10.213.7.0/24', nodeIp: '127.0.0.1', network };
  await mkdir(join(dataDir, 'images'));
  await mkdir(join(dataDir, 'logs'));
  const provider = new RemoteRuntimeProvider(systemClock, quiet, remoteOptionsSchema.parse({}));
  const runtime = await provider.open(node);
  // After the start: it is found when it is asked for.
  await buildBusyboxImage({ reference: 'busybox:test', file: join(dataDir, 'images', 'busybox.tar') });
  return {
    runtime,
    image: 'busybox:test',
    directory: join(dataDir, 'logs'),
    processes: true,
    reopen: () => provider.open(node),
    async close() {
      await shutdownContainerd(dataDir, systemClock);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const reason = await unavailable();
criConformance('remote, our own containerd', () => open(bridgeNetwork('keelson-cri-test', '10.213.7.0/24')), {
  unavailable: reason,
});
criConformance('remote, our own containerd on the host network', () => open(hostNetwork), { unavailable: reason });

describe('remote runtime', () => {
  it('understands endpoints', () => {
    expect(grpcTarget('unix:///run/a.sock')).toBe('unix:/run/a.sock');
    expect(grpcTarget('/run/a.sock')).toBe('unix:/run/a.sock');
    expect(grpcTarget('tcp://127.0.0.1:3000')).toBe('dns:127.0.0.1:3000');
    expect(() => grpcTarget('http://x')).toThrow('not an endpoint');
    expect(() => grpcTarget(`/${'x'.repeat(120)}`)).toThrow('107 bytes');
  });

  it('maps pod ranges to loopback ranges', () => {
    expect(loopbackRange('10.244.3.0/24')).toBe('127.128.3.0/24');
    expect(loopbackRange('10.0.0.0/8')).toBe('127.128.0.0/16');
  });

  it('says what to do while nothing listens, and reconnects', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'remote-'));
    const endpoint = `unix://${join(dir, 'c.sock')}`;
    const provider = new RemoteRuntimeProvider(systemClock, quiet, remoteOptionsSchema.parse({ endpoint }));
    expect(await provider.probe()).toMatchObject({
      usable: false,
      reason: expect.stringContaining('change runtime in keelson.yaml'),
    });
    const client = connectCri(systemClock, { endpoint });
    const serve = async () => {
      const server = new Server();
      server.addService(criService('RuntimeService'), {
        Version: (_call: unknown, callback: (error: null, value: object) => void) =>
          callback(null, { runtimeName: 'fake', runtimeApiVersion: 'v1' }),
        Status: () => undefined,
      });
      await new Promise<void>((resolve, reject) =>
        server.bindAsync(`unix:${join(dir, 'c.sock')}`, ServerCredentials.createInsecure(), (error) =>
          error ? reject(error) : resolve(),
        ),
      );
      return server;
    };
    await expect(client.runtimeService.version({})).rejects.toMatchObject({
      code: 14,
      message: expect.stringContaining(`container runtime at ${endpoint} is not reachable`),
    });
    for (const _time of ['first', 'again']) {
      const server = await serve();
      const version = await waitFor(() => client.runtimeService.version({}), { what: 'the connection' });
      expect(version).toMatchObject({ runtimeName: 'fake', runtimeVersion: '' });
      const abort = new AbortController();
      const waiting = client.runtimeService.status({}, abort.signal);
      abort.abort();
      await expect(waiting).rejects.toMatchObject({ code: 1 });
      server.forceShutdown();
      await expect(client.runtimeService.version({})).rejects.toMatchObject({ code: 14 });
    }
    await expect(client.runtimeService.getContainerEvents({})[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 14,
    });
    client.close();
    await rm(dir, { recursive: true });
  });
});
