import { readFile, statfs } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { hasErrorCode } from '../errors.ts';

/** The machine that nodes run on. Memory and disk in bytes. */
export interface MachineFacts {
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly architecture: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly swap: number;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', arm: 'arm', arm64: 'arm64' };

/** @param directory whose file system counts as the node's disk */
export async function readMachine(directory: string): Promise<MachineFacts> {
  const [osRelease, machineId, systemUuid, bootId, memInfo, disk] = await Promise.all([
    text('/etc/os-release'),
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/proc/meminfo'),
    statfs(directory),
  ]);
  const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(memInfo)?.[1] ?? 0) * 1024;
  return {
    cpus: cpus().length,
    memory: kib('MemTotal') || totalmem(),
    disk: disk.blocks * disk.bsize,
    architecture: architectures[arch()] ?? arch(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(osRelease)?.[1] ?? 'Linux',
    machineId: machineId.trim(),
    systemUuid: systemUuid.trim() || machineId.trim(),
    bootId: bootId.trim(),
    swap: kib('SwapTotal'),
  };
}

export interface Pressure {
  readonly memoryAvailable: number;
  readonly diskAvailable: number;
  readonly diskCapacity: number;
  readonly pids: number;
  readonly maxPids: number;
}

export async function readPressure(directory: string): Promise<Pressure> {
  const [memInfo, loadAverage, pidMax, disk] = await Promise.all([
    text('/proc/meminfo'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    statfs(directory),
  ]);
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(memInfo)?.[1] ?? 0) * 1024;
  return {
    memoryAvailable: available || Number.POSITIVE_INFINITY,
    diskAvailable: disk.bavail * disk.bsize,
    diskCapacity: disk.blocks * disk.bsize,
    pids: Number(/\/(\d+)/.exec(loadAverage)?.[1] ?? 0),
    maxPids: Number(pidMax.trim()) || 32_768,
  };
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'EACCES', 'EPERM', 'ENOTDIR', 'EIO')) return '';
    throw error;
  }
}
