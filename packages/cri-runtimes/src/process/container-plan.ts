import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type ContainerConfig,
  GrpcError,
  grpcCode,
  type LinuxContainerSecurityContext,
  type Mount,
  type NamespaceMode,
} from '@keelson/core/cri';
import { ofHostLabel } from '../images/host-files.ts';
import type { OciConfig } from '../images/manifest.ts';
import { resolveInRoot } from '../images/unpack-layer.ts';
import { boundingSet } from './capabilities.ts';
import type { BindMount, ContainerSpec, HostEntry, RootSpec } from './container-spec.ts';
import type { Machine } from './machine.ts';
import type { ProcessImages } from './process-images.ts';

export interface PlanContext {
  readonly machine: Machine;
  readonly images: ProcessImages;
  readonly image: { readonly id: string; readonly kind: 'oci' | 'host'; readonly config: OciConfig };
  readonly sandboxDir: string;
  readonly hostname: string;
  readonly podPid: NamespaceMode | undefined;
  /** What may not be writable from a container that runs on the machine's own files. */
  readonly dataDir: string;
}

const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What plain processes do without, as every pod has them. */
const dispensable = [
  /^\/etc\/(hosts|hostname|resolv\.conf)$/,
  /^\/dev\/(shm|termination-log)$/,
  /^\/var\/run\/secrets\/kubernetes\.io\/serviceaccount$/,
];

/** Decides everything about a container. @throws GrpcError `invalidArgument` or `failedPrecondition` for what cannot be */
export async function planContainer(config: ContainerConfig, context: PlanContext): Promise<ContainerSpec> {
  const { machine, image } = context;
  const security = config.linux?.securityContext ?? {};
  const root = await rootOf(context);
  const files = root.kind === 'image' ? root.lower : '/';
  const user = machine.level === 'plain' ? plainUser() : await userOf(security, image.config.User, files);
  const pid = podPid(security.namespaceOptions?.pid, machine);
  return {
    argv: argvOf(config, image.config),
    env: environmentOf(config, context, user.home),
    cwd: config.workingDir || (machine.level === 'plain' ? '' : image.config.WorkingDir) || '/',
    uid: user.uid,
    gid: user.gid,
    groups: user.groups,
    privileged: (security.privileged ?? false) && machine.level === 'root',
    noNewPrivileges: security.noNewPrivs ?? false,
    boundingSet: boundingSet(security.capabilities),
    readonlyRootfs: security.readonlyRootfs ?? false,
    root,
    mounts: await mountsOf(config.mounts ?? [], context),
    devices: (config.devices ?? []).map(({ hostPath = '', containerPath = '' }) => ({ hostPath, containerPath })),
    maskedPaths: security.maskedPaths ?? [],
    readonlyPaths: security.readonlyPaths ?? [],
    pid,
    tty: config.tty ?? false,
    stdin: config.stdin ?? false,
  };
}

/** As Docker and Kubernetes do: a command replaces entrypoint and arguments of the image, arguments alone the latter. */
export function argvOf({ command = [], args = [] }: ContainerConfig, image: OciConfig): readonly string[] {
  const argv =
    command.length > 0 ? [...command, ...args] : [...image.Entrypoint, ...(args.length > 0 ? args : image.Cmd)];
  if (argv.length === 0)
    throw new GrpcError(
      grpcCode.invalidArgument,
      'no command specified: neither the container nor its image names one',
    );
  return argv;
}

function podPid(mode: NamespaceMode | undefined, { level }: Machine): ContainerSpec['pid'] {
  if (level === 'plain') return 'host';
  if (mode === 'NODE' && level === 'root') return 'host';
  return mode === 'POD' ? 'pod' : 'own';
}

/** Whether the machine's own files do for an image: it was made of nothing else. */
function standsIn({ config }: PlanContext['image']): boolean {
  return config.Labels[ofHostLabel] === 'true';
}

function environmentOf(config: ContainerConfig, { machine, image, hostname }: PlanContext, home: string): string[] {
  const onHost = image.kind === 'host' || machine.level === 'plain';
  const path = onHost ? `PATH=${hostPath()}` : defaultPath;
  const own = (config.envs ?? []).map(({ key = '', value }) => `${key}=${Buffer.from(value ?? []).toString('utf8')}`);
  const all = [
    path,
    `HOME=${home}`,
    `HOSTNAME=${hostname}`,
    ...(config.tty ? ['TERM=xterm'] : []),
    ...image.config.Env.filter((each) => !onHost || !each.startsWith('PATH=')),
    ...own,
  ];
  const byName = new Map(all.map((each) => [each.slice(0, each.indexOf('=')), each]));
  return [...byName.values()].filter((each) => each.includes('='));
}

/** As this process's own, with the Node that runs it. */
function hostPath(): string {
  const dirs = [
    ...(process.env['PATH'] ?? '').split(':'),
    dirname(process.execPath),
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ];
  return [...new Set(dirs.filter((dir) => dir.startsWith('/')))].join(':');
}

async function rootOf({ machine, image, images, dataDir }: PlanContext): Promise<RootSpec> {
  if (image.kind === 'oci') {
    if (machine.level === 'plain') {
      if (standsIn(image)) return { kind: 'host', entries: [] };
      throw new GrpcError(
        grpcCode.failedPrecondition,
        `images need namespaces, and ${machine.reason}; only the image "host", the machine's own files, runs here`,
      );
    }
    return { kind: 'image', lower: await images.unpacked(image.id) };
  }
  if (machine.level === 'plain') return { kind: 'host', entries: [] };
  const mountPoints = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const real = await realpath(dataDir);
  const entries: HostEntry[] = [];
  for (const name of await readdir('/')) {
    if (['proc', 'sys', 'dev', 'tmp', 'run', '.keelson', 'lost+found'].includes(name)) continue;
    const info = await lstat(`/${name}`);
    const holdsMounts = mountPoints.some((point) => point === `/${name}` || point.startsWith(`/${name}/`));
    if (info.isSymbolicLink()) entries.push({ name, as: { link: await readlink(`/${name}`) } });
    else if (info.isFile()) entries.push({ name, as: 'file' });
    else if (info.isDirectory()) {
      // An overlay may not contain its own upper layer.
      entries.push({ name, as: holdsMounts || `${real}/`.startsWith(`/${name}/`) ? 'read-only' : 'copy-on-write' });
    }
  }
  return { kind: 'host', entries };
}

interface User {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
}

function plainUser(): User {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, groups: [], home: process.env['HOME'] ?? '/' };
}

/** The image's accounts decide what names mean. */
async function userOf(security: LinuxContainerSecurityContext, imageUser: string, root: string): Promise<User> {
  const [imageName = '', imageGroup = ''] = imageUser.split(':');
  const name =
    security.runAsUser?.value === undefined
      ? security.runAsUsername || imageName || '0'
      : `${security.runAsUser.value}`;
  const accounts = await table(root, 'etc/passwd');
  const groups = await table(root, 'etc/group');
  const account = accounts.find((row) => (/^\d+$/.test(name) ? row[2] === name : row[0] === name));
  if (account === undefined && !/^\d+$/.test(name)) {
    throw new GrpcError(grpcCode.failedPrecondition, `the image has no user "${name}"`);
  }
  const groupName = security.runAsGroup?.value === undefined ? imageGroup : `${security.runAsGroup.value}`;
  const group = groups.find((row) => row[0] === groupName)?.[2] ?? groupName;
  if (group !== '' && !/^\d+$/.test(group))
    throw new GrpcError(grpcCode.failedPrecondition, `the image has no group "${group}"`);
  const memberOf =
    security.supplementalGroupsPolicy === 'Strict' || account === undefined
      ? []
      : groups.filter((row) => (row[3] ?? '').split(',').includes(account[0] ?? '')).map((row) => Number(row[2]));
  return {
    uid: Number(account?.[2] ?? name),
    gid: Number(group || (account?.[3] ?? 0)),
    groups: [...new Set([...memberOf, ...(security.supplementalGroups ?? [])])],
    home: account?.[5] || '/',
  };
}

async function table(root: string, file: string): Promise<string[][]> {
  const path = await resolveInRoot(root, file, { followLast: true });
  if (!existsSync(path)) return [];
  return (await readFile(path, 'utf8')).split('\n').map((line) => line.split(':'));
}

async function mountsOf(mounts: readonly Mount[], context: PlanContext): Promise<BindMount[]> {
  const { machine, sandboxDir } = context;
  const wanted: BindMount[] = [];
  for (const mount of mounts) {
    const target = mount.containerPath ?? '';
    if (!target.startsWith('/'))
      throw new GrpcError(grpcCode.invalidArgument, `the mount path "${target}" is not absolute`);
    if (machine.level === 'plain') {
      if (target === mount.hostPath || dispensable.some((pattern) => pattern.test(target))) continue;
      throw new GrpcError(grpcCode.failedPrecondition, `nothing can be mounted at ${target}: ${machine.reason}`);
    }
    const source = await sourceOf(mount, context);
    wanted.push({
      source,
      target,
      kind: (await stat(source)).isDirectory() ? 'directory' : 'file',
      readonly: (mount.readonly ?? false) || mount.image?.image !== undefined,
      propagation: (mount.propagation ?? 'PROPAGATION_PRIVATE') === 'PROPAGATION_PRIVATE' ? 'private' : 'slave',
    });
  }
  if (machine.level === 'plain') return [];
  const own = ['hostname', 'hosts', 'resolv.conf'].map(
    (name): BindMount => ({
      source: join(sandboxDir, name),
      target: `/etc/${name}`,
      kind: 'file',
      readonly: false,
      propagation: 'private',
    }),
  );
  const shm: BindMount = {
    source: join(sandboxDir, 'shm'),
    target: '/dev/shm',
    kind: 'directory',
    readonly: false,
    propagation: 'private',
  };
  const all = [...[...own, shm].filter(({ target }) => !wanted.some((mount) => mount.target === target)), ...wanted];
  // What lies deeper comes later, or it would be covered.
  return all.sort((a, b) => a.target.split('/').length - b.target.split('/').length);
}

async function sourceOf({ hostPath = '', image, imageSubPath }: Mount, { images }: PlanContext): Promise<string> {
  if (image?.image) {
    const found = await images.find(image.image);
    if (found?.kind !== 'oci') throw new GrpcError(grpcCode.notFound, `image "${image.image}" is not present`);
    return resolveInRoot(await images.unpacked(found.id), imageSubPath ?? '', { followLast: true });
  }
  if (!hostPath.startsWith('/'))
    throw new GrpcError(grpcCode.invalidArgument, `the host path "${hostPath}" is not absolute`);
  // containerd makes it a directory too.
  if (!existsSync(hostPath)) await mkdir(hostPath, { recursive: true });
  return realpath(hostPath);
}
