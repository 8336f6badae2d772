import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, statfs, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NetworkPlugin } from '@keelson/core/cni';
import type { RuntimeService } from '@keelson/core/cri';
import { mountPointsBelow } from '@keelson/core/machinery';
import type { Clock } from '@keelson/core/plugin';
import { z } from 'zod';
import { buildImage, ociArchitecture, replaceFile } from '../images/build-image.ts';
import { pauseProgram } from '../images/pause-program.ts';
import { findProgram, must, run } from '../model/command.ts';
import { identify, isAlive, type ProcessIdentity, signalProcess } from '../model/process-identity.ts';
import {
  type ContainerdPaths,
  containerdConfig,
  containerdPaths,
  loopbackOnly,
  sandboxImage,
} from './containerd-config.ts';

const overlayMagic = 0x794c7630;
const capSysResource = 24;
const capSysAdmin = 21;
const startTimeoutMs = 20_000;

const identitySchema = z.object({ pid: z.number().int().positive(), startTicks: z.number().int() });

export interface ContainerdPrograms {
  readonly containerd: string;
  readonly ctr: string;
  readonly ociRuntime: string;
}

/** Whether this machine can run a containerd of our own, and with what; else why not. */
export async function findContainerd(): Promise<ContainerdPrograms | { readonly missing: string }> {
  const [containerd, ctr, runc, crun] = await Promise.all(['containerd', 'ctr', 'runc', 'crun'].map(findProgram));
  if (containerd === undefined) return { missing: 'containerd is not installed' };
  if (ctr === undefined) return { missing: 'ctr, which comes with containerd, is not installed' };
  const ociRuntime = runc ?? crun;
  if (ociRuntime === undefined) return { missing: 'neither runc nor crun is installed' };
  if (process.getuid?.() !== 0) return { missing: 'containerd is installed, but starting it needs root' };
  if (!(await hasCapability(capSysAdmin))) return { missing: 'root lacks CAP_SYS_ADMIN here, which containers need' };
  return { containerd, ctr, ociRuntime };
}

/** `1.6.20`. */
export async function containerdVersion({ containerd }: ContainerdPrograms): Promise<string> {
  const { stdout } = await run(containerd, ['--version']);
  return stdout.split(' ')[2] ?? 'unknown';
}

/**
 * A containerd that belongs to one node of Keelson: own root, state, socket and configuration under the node's data
 * directory. It is started detached, so that it and its pods survive the death of this process, and found again.
 */
export class PrivateContainerd {
  readonly paths: ContainerdPaths;
  readonly #programs: ContainerdPrograms;
  readonly #clock: Clock;

  constructor(programs: ContainerdPrograms, dataDir: string, clock: Clock) {
    this.paths = containerdPaths(dataDir);
    this.#programs = programs;
    this.#clock = clock;
  }

  get endpoint(): string {
    return `unix://${this.paths.socket}`;
  }

  /** Starts it, or finds the one that runs with the same configuration. @throws Error with the end of its log */
  async start(network: NetworkPlugin, signal?: AbortSignal): Promise<void> {
    const { paths } = this;
    await Promise.all(
      [paths.cniConfDir, dirname(paths.socket)].map((dir) => mkdir(dir, { recursive: true, mode: 0o711 })),
    );
    await this.#writeNetwork(network);
    const { type } = await statfs(paths.dir);
    const config = containerdConfig({
      paths,
      ociRuntime: this.#programs.ociRuntime,
      maySetOomScore: await hasCapability(capSysResource),
      snapshotter: type === overlayMagic ? 'native' : 'overlayfs',
    });
    const running = await runningContainerd(paths);
    const sameConfig = existsSync(paths.config) && (await readFile(paths.config, 'utf8')) === config;
    if (running !== undefined && sameConfig && (await this.#answers(signal))) return;
    if (running !== undefined) await endProcess(running, this.#clock);
    await replaceFile(paths.config, config);
    await this.#launch(signal);
  }

  /** Whether its process lives. */
  async runs(): Promise<boolean> {
    return (await runningContainerd(this.paths)) !== undefined;
  }

  /** Loads the image of pause containers. */
  async importSandboxImage(signal?: AbortSignal): Promise<void> {
    const file = join(this.paths.dir, 'pause.tar');
    const architecture = ociArchitecture(process.arch);
    await buildImage({
      reference: sandboxImage,
      file,
      files: [{ path: 'pause', content: pauseProgram(architecture), mode: 0o755 }],
      config: { entrypoint: ['/pause'] },
    });
    await this.importImage(file, signal);
  }

  /** Loads an OCI archive or the output of `docker save`. @throws Error with what ctr said */
  async importImage(file: string, signal?: AbortSignal): Promise<void> {
    await must(this.#programs.ctr, ['-a', this.paths.socket, '-n', 'k8s.io', 'images', 'import', file], { signal });
  }

  async #launch(signal?: AbortSignal): Promise<void> {
    const { paths } = this;
    await rm(paths.socket, { force: true });
    const log = await open(paths.log, 'a');
    try {
      const child = spawn(this.#programs.containerd, ['--config', paths.config], {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
      const failed = new Promise<never>((_resolve, reject) => child.on('error', reject));
      child.unref();
      const ended = { code: undefined as number | string | undefined };
      child.on('exit', (code, by) => {
        ended.code = code ?? by ?? 'unknown';
      });
      const ready = async () => {
        const identity = child.pid === undefined ? undefined : await identify(child.pid);
        if (identity !== undefined) await replaceFile(paths.identity, JSON.stringify(identity));
        for (const end = this.#clock.now() + startTimeoutMs; this.#clock.now() < end; ) {
          if (ended.code !== undefined) throw new Error(`containerd ended with ${ended.code}: ${await this.#logEnd()}`);
          if (existsSync(paths.socket) && (await this.#answers(signal))) return;
          await this.#clock.sleep(50, signal);
        }
        throw new Error(`containerd did not answer within ${startTimeoutMs / 1000} s: ${await this.#logEnd()}`);
      };
      await Promise.race([ready(), failed]);
    } finally {
      await log.close();
    }
  }

  /** Whether CRI is served there: the socket opens a moment before the plugin is ready. */
  async #answers(signal?: AbortSignal): Promise<boolean> {
    const { connectCri } = await import('./cri-client.ts');
    const client = connectCri(this.#clock, { endpoint: this.endpoint, requestTimeoutMs: 2000 });
    try {
      const { status } = await client.runtimeService.status({}, signal);
      return status?.conditions?.some(({ type, status: ok }) => type === 'RuntimeReady' && ok) ?? false;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Error) return false;
      throw error;
    } finally {
      client.close();
    }
  }

  async #writeNetwork(network: NetworkPlugin): Promise<void> {
    const { cniConfDir, cniBinDir } = this.paths;
    const own = network.ownNamespace ? network.configList() : undefined;
    const list = own?.list ?? loopbackOnly;
    await replaceFile(join(cniConfDir, '10-keelson.conflist'), JSON.stringify(list, undefined, 2));
    // containerd 1.6 takes one directory of plugins: ours links to those of all.
    await rm(cniBinDir, { recursive: true, force: true });
    await mkdir(cniBinDir, { recursive: true });
    for (const dir of [...(own?.binDirs ?? []), '/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni']) {
      if (!existsSync(dir)) continue;
      for (const name of await readdir(dir)) {
        if (!existsSync(join(cniBinDir, name))) await symlink(join(dir, name), join(cniBinDir, name));
      }
    }
  }

  async #logEnd(): Promise<string> {
    const text = await readFile(this.paths.log, 'utf8');
    return text.trimEnd().split('\n').slice(-5).join(' | ');
  }
}

/**
 * Ends the containerd that a node has left running under `dataDir`, with its pods and mounts; nothing where there is none.
 * For `keelson down`.
 */
export async function shutdownContainerd(dataDir: string, clock: Clock, signal?: AbortSignal): Promise<void> {
  const paths = containerdPaths(dataDir);
  const identity = await runningContainerd(paths);
  if (identity !== undefined) {
    const { connectCri } = await import('./cri-client.ts');
    const client = connectCri(clock, { endpoint: `unix://${paths.socket}`, requestTimeoutMs: 30_000 });
    try {
      await removePods(client.runtimeService, signal);
    } finally {
      client.close();
    }
    await endProcess(identity, clock);
  }
  await unmountBelow(paths.dir);
  await Promise.all([paths.socket, `${paths.socket}.ttrpc`, paths.identity].map((file) => rm(file, { force: true })));
}

async function removePods(runtime: RuntimeService, signal?: AbortSignal): Promise<void> {
  const { items = [] } = await runtime.listPodSandbox({}, signal);
  await Promise.all(
    items.map(async ({ id: podSandboxId }) => {
      await runtime.stopPodSandbox({ podSandboxId }, signal);
      await runtime.removePodSandbox({ podSandboxId }, signal);
    }),
  );
}

async function runningContainerd(paths: ContainerdPaths): Promise<ProcessIdentity | undefined> {
  if (!existsSync(paths.identity)) return undefined;
  const parsed = identitySchema.safeParse(JSON.parse(await readFile(paths.identity, 'utf8')));
  return parsed.success && (await isAlive(parsed.data)) ? parsed.data : undefined;
}

async function endProcess(identity: ProcessIdentity, clock: Clock): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGTERM', 5000],
    ['SIGKILL', 5000],
  ] as const) {
    if (!signalProcess(identity, signal)) return;
    for (const end = clock.now() + waitMs; clock.now() < end && (await isAlive(identity)); ) await clock.sleep(20);
  }
}

/** Unmounts everything below a directory, deepest first. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = mountPointsBelow(await readFile('/proc/self/mounts', 'utf8'), dir);
  for (const point of mounts) await run('umount', ['-l', point]);
}

async function hasCapability(bit: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return ((effective >> BigInt(bit)) & 1n) === 1n;
}

/** Changes whenever a file does, for what need not be read again. */
export function fileStamp(
  path: string,
  { size, mtimeMs }: { readonly size: number; readonly mtimeMs: number },
): string {
  return createHash('sha256').update(`${path} ${size} ${mtimeMs}`).digest('hex').slice(0, 16);
}
