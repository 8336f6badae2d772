import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LinuxContainerResources } from '@keelson/core/cri';
import { sendSignal } from '../model/process-identity.ts';

const base = '/sys/fs/cgroup';
const v1Controllers = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids'];

/** Bytes, and nanoseconds of processor time. */
export interface CgroupUsage {
  readonly cpuNanoseconds: number;
  readonly memoryUsage: number;
  readonly memoryWorkingSet: number;
}

/** The control groups of one container, of version 1 (one for each controller) or 2. */
export class ContainerCgroup {
  readonly #version: 'v1' | 'v2';
  /** Below the root of the hierarchy, `/kubepods/pod…/<container>`. */
  readonly #path: string;

  constructor(version: 'v1' | 'v2', parent: string, id: string) {
    this.#version = version;
    this.#path = join('/', parent || 'keelson', id);
  }

  /** The files that a process writes its number into. */
  get joinFiles(): string[] {
    return this.#dirs().map((dir) => join(dir, 'cgroup.procs'));
  }

  async create(resources: LinuxContainerResources | undefined): Promise<void> {
    for (const dir of this.#dirs()) {
      if (this.#version === 'v2') await enableControllers(dirname(dir));
      await mkdir(dir, { recursive: true });
      if (dir.startsWith(`${base}/cpuset/`)) await inheritCpuset(dir);
    }
    await this.update(resources);
  }

  async update(resources: LinuxContainerResources | undefined): Promise<void> {
    for (const [file, value] of this.#version === 'v1' ? limitsV1(resources) : limitsV2(resources)) {
      const path =
        this.#version === 'v1' ? join(base, file.split('.')[0] ?? '', this.#path, file) : join(base, this.#path, file);
      if (existsSync(path)) await writeFile(path, value);
    }
  }

  /** Whether the kernel has killed something here for lack of memory. */
  async oomKilled(): Promise<boolean> {
    const text =
      this.#version === 'v1'
        ? await read(join(base, 'memory', this.#path, 'memory.oom_control'))
        : await read(join(base, this.#path, 'memory.events'));
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
  }

  async usage(): Promise<CgroupUsage> {
    if (this.#version === 'v1') {
      const memory = join(base, 'memory', this.#path);
      const memoryUsage = Number(await read(join(memory, 'memory.usage_in_bytes')));
      const inactive = Number(/^total_inactive_file (\d+)$/m.exec(await read(join(memory, 'memory.stat')))?.[1] ?? 0);
      const cpuNanoseconds = Number(await read(join(base, 'cpuacct', this.#path, 'cpuacct.usage')));
      return { cpuNanoseconds, memoryUsage, memoryWorkingSet: Math.max(0, memoryUsage - inactive) };
    }
    const dir = join(base, this.#path);
    const memoryUsage = Number(await read(join(dir, 'memory.current')));
    const inactive = Number(/^inactive_file (\d+)$/m.exec(await read(join(dir, 'memory.stat')))?.[1] ?? 0);
    const micros = Number(/^usage_usec (\d+)$/m.exec(await read(join(dir, 'cpu.stat')))?.[1] ?? 0);
    return { cpuNanoseconds: micros * 1000, memoryUsage, memoryWorkingSet: Math.max(0, memoryUsage - inactive) };
  }

  /** Ends the processes in it. */
  async kill(): Promise<void> {
    const atOnce = join(base, this.#path, 'cgroup.kill');
    // Linux 5.14 and later, version 2.
    if (this.#version === 'v2' && existsSync(atOnce)) return writeFile(atOnce, '1');
    const [file = ''] = this.joinFiles;
    if (!existsSync(file)) return;
    // All at once: a number that was read earlier might be another's.
    for (const pid of readFileSync(file, 'utf8').split('\n').filter(Boolean)) sendSignal(Number(pid), 'SIGKILL');
  }

  /** Nothing where it is gone already; its parent, which is the kubelet's, stays. */
  async remove(): Promise<void> {
    for (const dir of this.#dirs()) {
      await rmdir(dir).catch((error: NodeJS.ErrnoException) => {
        // A process that is just being taken down still counts; the kernel frees an empty group at no cost to anybody.
        if (error.code !== 'ENOENT' && error.code !== 'EBUSY') throw error;
      });
    }
  }

  #dirs(): string[] {
    if (this.#version === 'v2') return [join(base, this.#path)];
    return v1Controllers
      .filter((name) => existsSync(join(base, name, 'cgroup.procs')))
      .map((name) => join(base, name, this.#path));
  }
}

type Limits = readonly (readonly [file: string, value: string])[];

export function limitsV1(resources: LinuxContainerResources = {}): Limits {
  const {
    memoryLimitInBytes: memory = 0,
    memorySwapLimitInBytes: swap = 0,
    cpuShares = 0,
    cpuQuota = 0,
    cpuPeriod = 0,
  } = resources;
  return [
    ...(memory > 0 ? ([['memory.limit_in_bytes', `${memory}`]] as const) : []),
    ...(swap > 0 ? ([['memory.memsw.limit_in_bytes', `${swap}`]] as const) : []),
    ...(cpuShares > 0 ? ([['cpu.shares', `${cpuShares}`]] as const) : []),
    ...(cpuPeriod > 0 ? ([['cpu.cfs_period_us', `${cpuPeriod}`]] as const) : []),
    ...(cpuQuota !== 0 ? ([['cpu.cfs_quota_us', `${cpuQuota}`]] as const) : []),
    ...(resources.cpusetCpus ? ([['cpuset.cpus', resources.cpusetCpus]] as const) : []),
    ...(resources.cpusetMems ? ([['cpuset.mems', resources.cpusetMems]] as const) : []),
  ];
}

export function limitsV2(resources: LinuxContainerResources = {}): Limits {
  const {
    memoryLimitInBytes: memory = 0,
    memorySwapLimitInBytes: swap = 0,
    cpuShares = 0,
    cpuQuota = 0,
    cpuPeriod = 0,
  } = resources;
  // Shares of 2 to 262144 become weights of 1 to 10000: KEP-2254.
  const weight = 1 + Math.floor(((Math.min(262144, Math.max(2, cpuShares)) - 2) * 9999) / 262142);
  return [
    ...(memory > 0 ? ([['memory.max', `${memory}`]] as const) : []),
    ...(swap > 0 && memory > 0 ? ([['memory.swap.max', `${Math.max(0, swap - memory)}`]] as const) : []),
    ...(cpuShares > 0 ? ([['cpu.weight', `${weight}`]] as const) : []),
    ...(cpuQuota !== 0 ? ([['cpu.max', `${cpuQuota < 0 ? 'max' : cpuQuota} ${cpuPeriod || 100_000}`]] as const) : []),
    ...(resources.cpusetCpus ? ([['cpuset.cpus', resources.cpusetCpus]] as const) : []),
    ...(resources.cpusetMems ? ([['cpuset.mems', resources.cpusetMems]] as const) : []),
    ...Object.entries(resources.unified ?? {}).filter(([file]) => /^[a-z]+\.[\w.]+$/.test(file)),
  ];
}

/** Lets the groups below `dir` be limited, from the top down. */
async function enableControllers(dir: string): Promise<void> {
  if (!dir.startsWith(base)) return;
  await enableControllers(dirname(dir));
  await mkdir(dir, { recursive: true });
  const available = (await read(join(dir, 'cgroup.controllers'))).split(/\s+/);
  for (const name of ['cpu', 'cpuset', 'memory', 'pids']) {
    if (available.includes(name)) await writeFile(join(dir, 'cgroup.subtree_control'), `+${name}`);
  }
}

/** A new cpuset of version 1 is empty and takes no process until it names processors: its parents' ones. */
async function inheritCpuset(dir: string): Promise<void> {
  const parent = dirname(dir);
  if (parent !== `${base}/cpuset`) await inheritCpuset(parent);
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if ((await read(join(dir, file))).trim() === '') await writeFile(join(dir, file), await read(join(parent, file)));
  }
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENODEV') return '';
    throw error;
  });
}
