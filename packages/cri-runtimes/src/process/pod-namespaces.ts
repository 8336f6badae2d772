import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CniRequest, NetworkPlugin } from '@keelson/core/cni';
import { GrpcError, grpcCode, type PodSandboxConfig } from '@keelson/core/cri';
import { must, run } from '../model/command.ts';
import { identify, type ProcessIdentity, signalProcess } from '../model/process-identity.ts';
import type { Machine } from './machine.ts';
import type { SandboxState } from './process-state.ts';
import { readReport, reportStream } from './report.ts';
import { command, quote } from './shell.ts';

const netnsDir = '/run/netns';

export interface PodNamespaces {
  readonly holder: ProcessIdentity | undefined;
  readonly flags: readonly string[];
  readonly sharesPid: boolean;
}

/** Whether a pod gets a network namespace of its own here. */
export function ownsNetwork(config: PodSandboxConfig, machine: Machine, network: NetworkPlugin): boolean {
  return machine.level === 'root' && network.ownNamespace && !usesHostNetwork(config);
}

export function usesHostNetwork(config: PodSandboxConfig): boolean {
  return config.linux?.securityContext?.namespaceOptions?.network === 'NODE';
}

/** Starts the process that keeps a pod's namespaces open, in a session of its own, so that it outlives this one. */
export async function holdNamespaces(
  config: PodSandboxConfig,
  context: {
    readonly machine: Machine;
    readonly dir: string;
    readonly toolsDir: string;
    readonly netns: string | undefined;
  },
): Promise<PodNamespaces> {
  const { machine, dir, toolsDir, netns } = context;
  if (machine.level === 'plain') return { holder: undefined, flags: [], sharesPid: false };
  const options = config.linux?.securityContext?.namespaceOptions ?? {};
  const rootless = machine.level === 'rootless';
  const own = {
    // A pod on the host's network has its host name too.
    uts: !usesHostNetwork(config),
    ipc: options.ipc !== 'NODE',
    pid: options.pid === 'POD',
  };
  const unshare = [
    ...(rootless ? ['--user', '--map-root-user'] : []),
    ...(own.uts ? ['--uts'] : []),
    ...(own.ipc ? ['--ipc'] : []),
    ...(own.pid ? ['--pid', '--fork', '--kill-child'] : []),
  ];
  const program = (name: string) => machine.programs[name] ?? name;
  const pause = existsSync(join(toolsDir, 'pause')) ? [join(toolsDir, 'pause')] : ['sleep', '2147483647'];
  const script = [
    'read -r pid rest </proc/self/stat',
    "printf 'pid %s\\n' $pid >&3",
    ...(own.uts && config.hostname ? [`${command(program('hostname'), config.hostname)} || :`] : []),
    ...Object.entries(config.linux?.sysctls ?? {}).map(
      ([name, value]) =>
        `echo ${quote(value)} >${quote(`/proc/sys/${name.replaceAll('.', '/')}`)} || { printf 'error %s\\n' ${quote(`sysctl ${name} cannot be set to ${value}`)} >&3; exit 1; }`,
    ),
    "printf 'ok\\n' >&3",
    'exec 3>&-',
    `exec ${command(...pause)}`,
  ];
  await writeFile(join(dir, 'holder.sh'), `${script.join('\n')}\n`);
  const argv = [
    ...(netns === undefined ? [] : [program('nsenter'), `--net=${join(netnsDir, netns)}`, '--']),
    ...(unshare.length > 0 ? [program('unshare'), ...unshare, '--'] : []),
    '/bin/sh',
    join(dir, 'holder.sh'),
  ];
  const log = await open(join(dir, 'holder.log'), 'a');
  try {
    const child = spawn(argv[0] ?? '', argv.slice(1), { detached: true, stdio: ['ignore', log.fd, log.fd, 'pipe'] });
    const failed = new Promise<never>((_resolve, reject) => child.once('error', reject));
    const report = await Promise.race([readReport(reportStream(child.stdio)), failed]);
    child.unref();
    const holder = report.pid === undefined || !report.ok ? undefined : await identify(report.pid);
    if (holder === undefined) {
      const said = (await readFile(join(dir, 'holder.log'), 'utf8')).trim();
      throw new GrpcError(grpcCode.unknown, `the pod's namespaces cannot be made: ${report.error ?? said}`);
    }
    const flags = [
      ...(rootless ? ['--user', '--preserve-credentials'] : []),
      ...(own.uts ? ['--uts'] : []),
      ...(own.ipc ? ['--ipc'] : []),
      ...(netns === undefined ? [] : ['--net']),
    ];
    return { holder, flags, sharesPid: own.pid };
  } finally {
    await log.close();
  }
}

/** Makes a network namespace and puts the pod on the network. @returns the pod's addresses, without their prefixes */
export async function connectPod(
  id: string,
  config: PodSandboxConfig,
  netns: string,
  context: { readonly machine: Machine; readonly network: NetworkPlugin },
  signal?: AbortSignal,
): Promise<string[]> {
  const ip = context.machine.programs['ip'] ?? 'ip';
  await mkdir(netnsDir, { recursive: true });
  await must(ip, ['netns', 'add', netns], { signal });
  try {
    await must(ip, ['-n', netns, 'link', 'set', 'lo', 'up'], { signal });
    const { ips = [] } = await context.network.add(cniRequest(id, config, netns), signal);
    return ips.map(({ address }) => address.replace(/\/\d+$/, ''));
  } catch (error) {
    await disconnectPod(id, config, netns, context);
    throw error;
  }
}

/** Nothing where it is gone already. The network is told first: it may need the namespace. */
export async function disconnectPod(
  id: string,
  config: PodSandboxConfig,
  netns: string,
  { machine, network }: { readonly machine: Machine; readonly network: NetworkPlugin },
): Promise<void> {
  const request = cniRequest(id, config, netns);
  await network.del(existsSync(request.netns) ? request : { ...request, netns: '' });
  if (existsSync(join(netnsDir, netns))) await run(machine.programs['ip'] ?? 'ip', ['netns', 'del', netns]);
}

function cniRequest(id: string, config: PodSandboxConfig, netns: string): CniRequest {
  const { name = '', namespace = '', uid = '' } = config.metadata ?? {};
  const portMappings = (config.portMappings ?? [])
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ hostPort, containerPort, protocol = 'TCP', hostIp = '' }) => ({
      hostPort,
      containerPort,
      protocol: protocol.toLowerCase(),
      hostIP: hostIp,
    }));
  return {
    containerId: id,
    netns: join(netnsDir, netns),
    ifName: 'eth0',
    args: {
      IgnoreUnknown: '1',
      K8S_POD_NAMESPACE: namespace,
      K8S_POD_NAME: name,
      K8S_POD_INFRA_CONTAINER_ID: id,
      K8S_POD_UID: uid,
    },
    capabilities: portMappings.length > 0 ? { portMappings } : {},
  };
}

/** Ends the process that holds a pod's namespaces, and with it whatever shares its pid namespace. */
export function releaseNamespaces({ holder }: Pick<SandboxState, 'holder'>): void {
  if (holder !== undefined) signalProcess(holder, 'SIGKILL');
}

/** The files that every container of a pod gets in `/etc`, and its shared memory. */
export async function writePodFiles(
  dir: string,
  config: PodSandboxConfig,
  addresses: readonly string[],
): Promise<void> {
  const hostname = config.hostname || (await readFile('/proc/sys/kernel/hostname', 'utf8')).trim();
  const hosts = [
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost',
    ...addresses.map((ip) => `${ip}\t${hostname}`),
  ];
  await mkdir(join(dir, 'shm'), { recursive: true, mode: 0o777 });
  await writeFile(join(dir, 'hostname'), `${hostname}\n`);
  await writeFile(join(dir, 'hosts'), `${hosts.join('\n')}\n`);
  await writeFile(join(dir, 'resolv.conf'), await resolvConf(config));
}

async function resolvConf({ dnsConfig }: PodSandboxConfig): Promise<string> {
  const { servers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (servers.length === 0 && searches.length === 0) {
    return existsSync('/etc/resolv.conf') ? readFile('/etc/resolv.conf', 'utf8') : '';
  }
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
