import { access, constants, mkdir, readdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/core/api';
import { hasErrorCode } from '../errors.ts';
import { podCgroupLimits, type QosClass, qosClass } from './resources.ts';

/** A control group for each pod, above those of its containers. */
export interface PodCgroups {
  /** What sandboxes get as `cgroup_parent`; empty where no limits are kept. */
  parentOf(pod: Pod): string;
  create(pod: Pod): Promise<void>;
  /** Succeeds for what is already gone. Rejects while processes are left. */
  remove(uid: string): Promise<void>;
}

export const noPodCgroups: PodCgroups = {
  parentOf: () => '',
  create: async () => undefined,
  remove: async () => undefined,
};

const tiers: Readonly<Record<QosClass, string>> = {
  Guaranteed: '/kubepods',
  Burstable: '/kubepods/burstable',
  BestEffort: '/kubepods/besteffort',
};

/** cgroupfs, version 1 or 2, below `root`. */
export class CgroupfsPodCgroups implements PodCgroups {
  readonly #root: string;
  readonly #unified: boolean;

  constructor(root: string, unified: boolean) {
    this.#root = root;
    this.#unified = unified;
  }

  parentOf(pod: Pod): string {
    return `${tiers[qosClass(pod)]}/pod${pod.metadata.uid}`;
  }

  async create(pod: Pod): Promise<void> {
    const parent = this.parentOf(pod);
    const limits = podCgroupLimits(pod);
    if (this.#unified) {
      await this.#createUnified(parent);
      const at = join(this.#root, parent);
      await writeFile(join(at, 'cpu.weight'), String(cpuWeight(limits.cpuShares)));
      if (limits.cpuQuota !== undefined) await writeFile(join(at, 'cpu.max'), `${limits.cpuQuota} 100000`);
      if (limits.memoryLimit !== undefined) await writeFile(join(at, 'memory.max'), String(limits.memoryLimit));
      return;
    }
    const cpu = join(this.#root, 'cpu', parent);
    await mkdir(cpu, { recursive: true });
    await writeFile(join(cpu, 'cpu.shares'), String(limits.cpuShares));
    if (limits.cpuQuota !== undefined) {
      await writeFile(join(cpu, 'cpu.cfs_period_us'), '100000');
      await writeFile(join(cpu, 'cpu.cfs_quota_us'), String(limits.cpuQuota));
    }
    const memory = join(this.#root, 'memory', parent);
    await mkdir(memory, { recursive: true });
    if (limits.memoryLimit !== undefined)
      await writeFile(join(memory, 'memory.limit_in_bytes'), String(limits.memoryLimit));
  }

  async remove(uid: string): Promise<void> {
    const hierarchies = this.#unified
      ? [this.#root]
      : (await readdir(this.#root)).map((each) => join(this.#root, each));
    for (const hierarchy of hierarchies) {
      for (const tier of Object.values(tiers)) await removeTree(join(hierarchy, tier, `pod${uid}`));
    }
  }

  /** In version 2 a controller works below a group only if each group above it passes it on. */
  async #createUnified(parent: string): Promise<void> {
    let at = this.#root;
    for (const part of parent.split('/').filter((each) => each !== '')) {
      await writeFile(join(at, 'cgroup.subtree_control'), '+cpu +memory +pids');
      at = join(at, part);
      await mkdir(at, { recursive: true });
    }
    await writeFile(join(at, 'cgroup.subtree_control'), '+cpu +memory +pids');
  }
}

/** The conversion of shares (2 to 262144) to weights (1 to 10000) that KEP-2254 gives. */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

/** Control groups are removed with rmdir(2), children first; their files go by themselves. */
async function removeTree(path: string): Promise<void> {
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (entry.isDirectory()) await removeTree(join(path, entry.name));
    }
    await rmdir(path);
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw error;
  }
}

/** Pod groups where this process may make them, else none. */
export async function openPodCgroups(root = '/sys/fs/cgroup'): Promise<PodCgroups> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return noPodCgroups;
  const unified = await exists(join(root, 'cgroup.controllers'));
  const at = unified ? root : join(root, 'memory');
  try {
    await access(at, constants.W_OK);
    await mkdir(join(at, 'kubepods'), { recursive: true });
    return new CgroupfsPodCgroups(root, unified);
  } catch (error) {
    if (hasErrorCode(error, 'EACCES', 'EROFS', 'EPERM', 'ENOENT')) return noPodCgroups;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
