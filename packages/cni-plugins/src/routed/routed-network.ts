import { createHash } from 'node:crypto';
import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CniError, type CniRequest, type CniResult, type NetworkPlugin } from '@keelson/core/cni';
import { parseIpv4Range } from '@keelson/core/machinery';
import { must, run } from '../command.ts';
import { executablePath } from '../executable-path.ts';

import { type Attachment, HostLocal } from '../host-local/host-local.ts';
import { gatewayOf } from '../host-local/pod-candidates.ts';

/** Addresses that a node gives to its pods. */
export interface RoutedNetworkOptions {
  /** The addresses this node gives to its pods. */
  readonly podCidr: string;
  /** The addresses of all pods; traffic to others leaves with the node's own address. */
  readonly clusterCidr: string;
  readonly dataDir: string;
  /** Bytes; default 1500. */
  readonly mtu?: number;
}

const cniVersion = '1.0.0';

/**
 * Every pod hangs on a veth pair of its own, and the host routes to it: no bridge, so Services, hairpin and policies
 * work without bridge netfilter. The host's end carries the gateway address, the pod's end its address as /32.
 */
export class RoutedNetwork implements NetworkPlugin {
  readonly ownNamespace = true;
  readonly #options: RoutedNetworkOptions;
  readonly #addresses: HostLocal;

  constructor(options: RoutedNetworkOptions) {
    this.#options = options;
    this.#addresses = new HostLocal(join(options.dataDir, 'addresses'), options.podCidr);
  }

  /** Lets the host forward, and gives pods the node's address towards the world. */
  async prepare(signal?: AbortSignal): Promise<void> {
    await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
    const table = this.#table;
    const rules = [
      `add table ip ${table}`,
      `delete table ip ${table}`,
      `add table ip ${table}`,
      `add chain ip ${table} postrouting { type nat hook postrouting priority srcnat; policy accept; }`,
      `add rule ip ${table} postrouting ip saddr ${this.#options.podCidr} ip daddr != ${this.#options.clusterCidr} oifname != "lo" masquerade`,
    ];
    await must('nft', ['-f', '-'], { input: `${rules.join('\n')}\n`, signal });
  }

  async add(request: CniRequest, signal?: AbortSignal): Promise<CniResult> {
    if (request.netns === '') throw new CniError(4, 'CNI_NETNS is required for ADD');
    // What a crash between an ADD and its DEL left behind would refuse the same name.
    await this.del(request, signal);
    const address = await this.#addresses.allocate(attachmentOf(request));
    try {
      return await this.#connect(request, address, signal);
    } catch (error) {
      await this.del(request);
      throw error;
    }
  }

  async #connect(request: CniRequest, address: string, signal?: AbortSignal): Promise<CniResult> {
    const gateway = gatewayOf(parseIpv4Range(this.#options.podCidr));
    const mtu = this.#options.mtu ?? 1500;
    const host = hostInterface(request);
    await must(
      'ip',
      [
        'link',
        'add',
        host,
        'mtu',
        String(mtu),
        'type',
        'veth',
        'peer',
        'name',
        request.ifName,
        'mtu',
        String(mtu),
        'netns',
        request.netns,
      ],
      { signal },
    );
    const inside = [
      'link set lo up',
      `addr add ${address}/32 dev ${request.ifName}`,
      `link set ${request.ifName} up`,
      `route add ${gateway} dev ${request.ifName} scope link`,
      `route add default via ${gateway} dev ${request.ifName}`,
    ];
    await must('nsenter', [`--net=${request.netns}`, 'ip', '-batch', '-'], { input: `${inside.join('\n')}\n`, signal });
    const outside = [
      `addr add ${gateway}/32 dev ${host}`,
      `link set ${host} up`,
      `route replace ${address}/32 dev ${host}`,
    ];
    await must('ip', ['-batch', '-'], { input: `${outside.join('\n')}\n`, signal });
    return {
      cniVersion,
      interfaces: [
        { name: host, mtu },
        { name: request.ifName, mtu, sandbox: request.netns },
      ],
      ips: [{ interface: 1, address: `${address}/32`, gateway }],
      routes: [{ dst: '0.0.0.0/0', gw: gateway }],
    };
  }

  async del(request: CniRequest, signal?: AbortSignal): Promise<void> {
    const result = await run('ip', ['link', 'del', hostInterface(request)], { signal });
    if (result.code !== 0 && !/Cannot find device/.test(result.stderr))
      throw new CniError(5, `ip link del: ${result.stderr.trim()}`);
    await this.#addresses.release(attachmentOf(request));
  }

  async check(request: CniRequest, signal?: AbortSignal): Promise<void> {
    const held = (await this.#addresses.held()).find(
      ([, holder]) => holder.containerId === request.containerId && holder.ifName === request.ifName,
    );
    if (!held) throw new CniError(100, `${request.containerId} holds no address`);
    const shown = await run('nsenter', [`--net=${request.netns}`, 'ip', '-j', 'addr', 'show', 'dev', request.ifName], {
      signal,
    });
    if (shown.code !== 0 || !shown.stdout.includes(`"${held[0]}"`))
      throw new CniError(100, `${request.ifName} in ${request.netns} lacks ${held[0]}`);
  }

  async status(): Promise<void> {
    if ((await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8')).trim() !== '1')
      throw new CniError(50, 'net.ipv4.ip_forward is 0: pods cannot be reached; set it to 1');
  }

  async gc(validAttachments: readonly Attachment[], signal?: AbortSignal): Promise<void> {
    const valid = new Set(validAttachments.map((each) => `${each.containerId}/${each.ifName}`));
    for (const [, holder] of await this.#addresses.held()) {
      if (!valid.has(`${holder.containerId}/${holder.ifName}`)) await this.del({ ...holder, netns: '' }, signal);
    }
  }

  configList() {
    return {
      list: { cniVersion, name: 'keelson-routed', plugins: [{ type: 'keelson-routed', ...this.#options }] },
      binDirs: [join(this.#options.dataDir, 'bin')],
    };
  }

  /** Writes the executable by which a container runtime calls this network. */
  async installExecutable(): Promise<void> {
    const dir = join(this.#options.dataDir, 'bin');
    const file = join(dir, 'keelson-routed');
    const text = `#!/bin/sh\nexec ${quote(process.execPath)} ${quote(await executablePath())} "$@"\n`;
    await mkdir(dir, { recursive: true, mode: 0o755 });
    await writeFile(file, text, { mode: 0o755 });
    await chmod(file, 0o755);
    await access(file);
  }

  get #table(): string {
    return `keelson-${shortHash(this.#options.podCidr)}`;
  }

  async remove(signal?: AbortSignal): Promise<void> {
    await this.gc([], signal);
    await must('nft', ['-f', '-'], { input: `add table ip ${this.#table}\ndelete table ip ${this.#table}\n`, signal });
  }

  async close(): Promise<void> {
    // Pods that are left running keep their network.
  }
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 10);
const attachmentOf = (request: CniRequest): Attachment => ({
  containerId: request.containerId,
  ifName: request.ifName,
});

/** Interface names hold 15 characters at most, and must be found again for DEL: derived, not stored. */
export function hostInterface(request: Pick<CniRequest, 'containerId' | 'ifName'>): string {
  return `kl${shortHash(`${request.containerId}/${request.ifName}`)}`;
}
