import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import { criConformance } from '@keelson/core/cri/conformance';
import { systemClock } from '@keelson/core/machinery';
import type { Logger } from '@keelson/core/plugin';
import { buildBusyboxImage } from '../images/host-files.ts';
import { run } from '../model/command.ts';
import { detectMachine } from './machine.ts';
import { processOptionsSchema } from './options.ts';
import { removeTree } from './process-images.ts';
import { ProcessRuntimeProvider } from './provider.ts';

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  error: (message, fields) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  named: () => quiet,
};

const hostNetwork: NetworkPlugin = {
  ownNamespace: false,
  add: () => Promise.reject(new Error('pods share the network of the host')),
  del: async () => undefined,
  check: async () => undefined,
  status: async () => undefined,
  gc: async () => undefined,
  close: async () => undefined,
  configList: () => undefined,
};

/** A network without wires: each pod has a namespace and an address that nobody else can reach. */
function lonelyNetwork(): NetworkPlugin {
  let last = 1;
  return {
    ...hostNetwork,
    ownNamespace: true,
    async add({ netns }) {
      const address = `10.214.8.${++last}`;
      await run('nsenter', [`--net=${netns}`, 'ip', 'addr', 'add', `${address}/32`, 'dev', 'lo']);
      return { cniVersion: '1.0.0', ips: [{ address: `${address}/32` }] };
    },
  };
}

type Isolation = 'auto' | 'rootless' | 'none';

async function open(isolation: Isolation, network: NetworkPlugin, image: 'busybox:test' | 'host') {
  const dataDir = await mkdtemp(join(tmpdir(), 'process-'));
  await chmod(dataDir, 0o755);
  const node = { nodeName: 'node', index: 0, dataDir, podCidr: '10.214.8.0/24', nodeIp: '127.0.0.1', network };
  await mkdir(join(dataDir, 'logs'));
  if (image !== 'host') await buildBusyboxImage({ reference: image, file: join(dataDir, 'images', 'busybox.tar') });
  const provider = new ProcessRuntimeProvider(systemClock, quiet, processOptionsSchema.parse({ isolation }));
  return {
    runtime: await provider.open(node),
    image,
    directory: join(dataDir, 'logs'),
    processes: true,
    reopen: () => provider.open(node),
    async close() {
      await provider.shutdown(node);
      await removeTree(dataDir);
    },
  };
}

const busybox = existsSync('/bin/busybox') ? undefined : 'busybox-static, for the test image, is not installed';
const machine = await detectMachine(processOptionsSchema.parse({}));
const rootless = await detectMachine(processOptionsSchema.parse({ isolation: 'rootless' }));
const noRoot = machine.level === 'root' ? undefined : `this user has no root's namespaces: ${machine.reason}`;
const noUsers = rootless.level === 'rootless' ? undefined : rootless.reason;

criConformance('process, plain', () => open('none', hostNetwork, 'host'));
criConformance('process, rootless, an image', () => open('rootless', hostNetwork, 'busybox:test'), {
  unavailable: noUsers ?? busybox,
});
criConformance("process, rootless, the host's files", () => open('rootless', hostNetwork, 'host'), {
  unavailable: noUsers,
});
if (process.getuid?.() === 0) {
  criConformance('process, root, an image', () => open('auto', lonelyNetwork(), 'busybox:test'), {
    unavailable: noRoot ?? busybox,
  });
  criConformance("process, root, the host's files", () => open('auto', hostNetwork, 'host'), { unavailable: noRoot });
}
