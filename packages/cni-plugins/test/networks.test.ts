import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { must, run } from '../src/command.ts';
import { ExecNetwork } from '../src/exec/exec-network.ts';
import { hostInterface, RoutedNetwork } from '../src/routed/routed-network.ts';

const root = process.getuid?.() === 0;
const debian = existsSync('/usr/lib/cni/bridge');
const built = existsSync(new URL('../dist/executable.js', import.meta.url));
const required = process.env.CI === 'true';

const kinds: readonly {
  name: string;
  possible: boolean;
  open: (dir: string, podCidr: string) => Promise<NetworkPlugin>;
}[] = [
  { name: 'routed', possible: root, open: async (dir, podCidr) => prepared(dir, podCidr) },
  {
    name: 'our own executable, called as containerd calls it',
    possible: root && built,
    open: async (dir, podCidr) => {
      const network = await prepared(dir, podCidr);
      const { list, binDirs } = network.configList();
      return new ExecNetwork(list, binDirs, join(dir, 'results'));
    },
  },
  {
    name: "Debian's bridge and host-local",
    possible: root && debian,
    open: async (dir, podCidr) =>
      new ExecNetwork(
        {
          cniVersion: '1.0.0',
          name: `test-${podCidr.replaceAll(/[./]/g, '-')}`,
          plugins: [
            {
              type: 'bridge',
              bridge: `kt${randomBytes(3).toString('hex')}`,
              isGateway: true,
              ipMasq: true,
              hairpinMode: true,
              ipam: {
                type: 'host-local',
                dataDir: join(dir, 'addresses'),
                ranges: [[{ subnet: podCidr }]],
                routes: [{ dst: '0.0.0.0/0' }],
              },
            },
          ],
        },
        ['/usr/lib/cni'],
        join(dir, 'results'),
      ),
  },
];

async function prepared(dir: string, podCidr: string) {
  const network = new RoutedNetwork({ podCidr, clusterCidr: '10.231.0.0/16', dataDir: dir });
  await network.prepare();
  if (built) await network.installExecutable();
  return network;
}

describe.each(kinds.map((each, index) => ({ ...each, index })))('network: $name', ({ possible, open, index }) => {
  const podCidr = `10.231.${index + 40}.0/24`;
  const pods = ['a', 'b'].map((letter) => {
    const id = `${letter}${randomBytes(6).toString('hex')}`;
    return { containerId: id, netns: `/var/run/netns/kt-${id}`, ifName: 'eth0', args: { K8S_POD_NAME: letter } };
  });
  let dir: string;
  let network: NetworkPlugin;

  beforeAll(async () => {
    if (!possible) return;
    dir = await mkdtemp(join(tmpdir(), 'keelson-cni-'));
    for (const pod of pods) await must('ip', ['netns', 'add', `kt-${pod.containerId}`]);
    network = await open(dir, podCidr);
  });

  afterAll(async () => {
    if (!possible) return;
    for (const pod of pods) await run('ip', ['netns', 'del', `kt-${pod.containerId}`]);
    const bridges = JSON.parse(await must('ip', ['-j', 'link', 'show', 'type', 'bridge'])) as { ifname?: string }[];
    for (const { ifname } of bridges) if (ifname?.startsWith('kt')) await run('ip', ['link', 'del', ifname]);
    await rm(dir, { recursive: true, force: true });
  });

  const test = possible || required ? it : it.skip;

  test('connects pods with each other and with the host, and forgets them on DEL, however often', async () => {
    const addresses = await Promise.all(
      pods.map(async (pod) => (await network.add(pod)).ips?.[0]?.address.split('/')[0] ?? ''),
    );
    expect(new Set(addresses).size).toBe(2);
    for (const address of addresses) expect(address).toMatch(/^10\.231\./);
    await network.status();
    for (const pod of pods) await network.check(pod);

    const [first, second] = pods;
    const server = run('nsenter', [
      `--net=${second!.netns}`,
      process.execPath,
      '-e',
      "let left = 2; const server = require('net').createServer((s) => { s.end('hello'); if (--left === 0) server.close(); }).listen(7000)",
    ]);
    const ask = `const n=require('net');const t=()=>{const s=n.connect(7000,'${addresses[1]}');s.on('data',d=>{process.stdout.write(d);process.exit(0)});s.on('error',()=>setTimeout(t,50))};t();setTimeout(()=>process.exit(1),5000)`;
    expect(await must('nsenter', [`--net=${first!.netns}`, process.execPath, '-e', ask])).toBe('hello');
    expect(await must(process.execPath, ['-e', ask])).toBe('hello');
    await server;

    for (const pod of pods) {
      await network.del(pod);
      await network.del({ ...pod, netns: '' });
    }
    expect((await run('ip', ['link', 'show', hostInterface(first!)])).code).not.toBe(0);
  });

  test('gives a pod that was never deleted a network again, with one address only', async () => {
    await network.add(pods[0]!);
    const again = await network.add(pods[0]!);
    expect(again.ips).toHaveLength(1);
    await network.check(pods[0]!);
    await network.del(pods[0]!);
  });
});
