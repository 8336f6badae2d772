import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CniConfigList, NetworkProvider } from '@keelson/core/cni';
import { definePlugin } from '@keelson/core/plugin';
import { z } from 'zod';
import { ExecNetwork } from './exec-network.ts';

const list = z.object({
  cniVersion: z.string(),
  name: z.string().min(1),
  plugins: z.array(z.looseObject({ type: z.string().min(1) })).min(1),
});

const options = z.strictObject({
  /** Where the binaries are; the first that has a plugin wins. */
  binDirs: z.array(z.string()).default(['/opt/cni/bin', '/usr/lib/cni']),
  /** A directory of `.conflist` files, of which the first by name is taken. */
  confDir: z.string().optional(),
  /** A configuration list of its own; without this and `confDir`, bridge, portmap and host-local on the node's range. */
  list: list.optional(),
});

/** Pod networks by CNI binaries: Debian's, Calico's, Cilium's, anybody's. */
export const execNetworkPlugin = definePlugin({
  name: 'network-exec',
  options: options.prefault({}),
  register({ provide, options }) {
    provide.value(NetworkProvider, {
      name: 'exec',
      async probe() {
        if (process.getuid?.() !== 0) return { usable: false, reason: 'needs root to make network interfaces' };
        for (const dir of options.binDirs) {
          try {
            await access(join(dir, 'bridge'));
            return { usable: true, reason: `CNI plugins are in ${dir}` };
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
          }
        }
        return { usable: false, reason: `no CNI plugins in ${options.binDirs.join(' or ')}` };
      },
      async open(node) {
        const config =
          options.list ??
          (options.confDir
            ? await firstList(options.confDir)
            : bridgeList(node.podCidr, join(node.dataDir, 'network', 'addresses')));
        return new ExecNetwork(config, options.binDirs, join(node.dataDir, 'network', 'results'));
      },
    });
  },
});

async function firstList(dir: string): Promise<CniConfigList> {
  const files = (await readdir(dir)).filter((each) => each.endsWith('.conflist')).sort();
  const file = files[0];
  if (!file) throw new Error(`network.options.confDir: ${dir} holds no .conflist file`);
  const parsed = list.safeParse(JSON.parse(await readFile(join(dir, file), 'utf8')));
  if (!parsed.success)
    throw new Error(`${join(dir, file)} is no CNI configuration list: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function bridgeList(podCidr: string, addresses: string): CniConfigList {
  // Nodes of several clusters may share a machine: the range tells them apart. Interface names hold 15 characters.
  const name = `kl${createHash('sha256').update(podCidr).digest('hex').slice(0, 8)}`;
  return {
    cniVersion: '1.0.0',
    name: `keelson-${name}`,
    plugins: [
      {
        type: 'bridge',
        bridge: name,
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: addresses,
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}
