import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CniConfigList, CniError, type CniRequest, type CniResult, type NetworkPlugin } from '@keelson/core/cni';
import { z } from 'zod';
import { run } from '../command.ts';

const resultSchema = z.looseObject({ cniVersion: z.string().default('0.4.0') });
const errorSchema = z.object({ code: z.number(), msg: z.string().default(''), details: z.string().optional() });

/** Calls CNI binaries by the exec protocol (SPEC.md, sections 2 to 4), a list of them in order. */
export class ExecNetwork implements NetworkPlugin {
  readonly ownNamespace = true;
  readonly #list: CniConfigList;
  readonly #binDirs: readonly string[];
  readonly #cacheDir: string;

  constructor(list: CniConfigList, binDirs: readonly string[], cacheDir: string) {
    this.#list = list;
    this.#binDirs = binDirs;
    this.#cacheDir = cacheDir;
  }

  async add(request: CniRequest, signal?: AbortSignal): Promise<CniResult> {
    // A crash between ADD and DEL leaks the address, and host-local refuses the same id again.
    await this.del(request, signal);
    try {
      let result: unknown;
      for (const plugin of this.#list.plugins)
        result = resultSchema.parse(await this.#call('ADD', plugin, request, result, signal));
      await mkdir(this.#cacheDir, { recursive: true, mode: 0o700 });
      await writeFile(this.#cacheFile(request), JSON.stringify(result), { mode: 0o600 });
      return result as CniResult;
    } catch (error) {
      await this.del(request);
      throw error;
    }
  }

  async del(request: CniRequest, signal?: AbortSignal): Promise<void> {
    const previous = await this.#cached(request);
    for (const plugin of [...this.#list.plugins].reverse()) await this.#call('DEL', plugin, request, previous, signal);
    await rm(this.#cacheFile(request), { force: true });
  }

  async check(request: CniRequest, signal?: AbortSignal): Promise<void> {
    const previous = await this.#cached(request);
    if (previous === undefined) throw new CniError(3, `${request.containerId} was never added`);
    for (const plugin of this.#list.plugins) await this.#call('CHECK', plugin, request, previous, signal);
  }

  async status(signal?: AbortSignal): Promise<void> {
    for (const plugin of this.#list.plugins) {
      await this.#find(String(plugin.type));
      if (this.#knowsStatusAndGc()) await this.#call('STATUS', plugin, undefined, undefined, signal);
    }
  }

  async gc(
    validAttachments: readonly { readonly containerId: string; readonly ifName: string }[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (!this.#knowsStatusAndGc()) return;
    const valid = {
      'cni.dev/valid-attachments': validAttachments.map((each) => ({
        containerID: each.containerId,
        ifname: each.ifName,
      })),
    };
    for (const plugin of this.#list.plugins)
      await this.#call('GC', { ...plugin, ...valid }, undefined, undefined, signal);
  }

  /** STATUS and GC came with version 1.1.0 of the specification. */
  #knowsStatusAndGc(): boolean {
    const [major = 0, minor = 0] = this.#list.cniVersion.split('.').map(Number);
    return major > 1 || (major === 1 && minor >= 1);
  }

  configList() {
    return { list: this.#list, binDirs: this.#binDirs };
  }

  async close(): Promise<void> {
    // The binaries keep no connection.
  }

  async #call(
    command: string,
    plugin: Readonly<Record<string, unknown>>,
    request: CniRequest | undefined,
    prevResult: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { capabilities, ...config } = plugin;
    const wanted = Object.entries(capabilitiesOf(capabilities)).filter(
      ([name, on]) => on && request?.capabilities?.[name] !== undefined,
    );
    const runtimeConfig = Object.fromEntries(wanted.map(([name]) => [name, request?.capabilities?.[name]]));
    const input = {
      ...config,
      cniVersion: this.#list.cniVersion,
      name: this.#list.name,
      ...(wanted.length > 0 && { runtimeConfig }),
      ...(prevResult !== undefined && { prevResult }),
    };
    const env = {
      PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      CNI_COMMAND: command,
      CNI_PATH: this.#binDirs.join(':'),
      ...(request && {
        CNI_CONTAINERID: request.containerId,
        CNI_NETNS: request.netns,
        CNI_IFNAME: request.ifName,
        CNI_ARGS: Object.entries({ IgnoreUnknown: '1', ...request.args })
          .map(([key, value]) => `${key}=${value}`)
          .join(';'),
      }),
    };
    const done = await run(await this.#find(String(plugin.type)), [], { input: JSON.stringify(input), env, signal });
    if (done.code === 0) return done.stdout.trim() === '' ? undefined : JSON.parse(done.stdout);
    throw failure(`${plugin.type} ${command}`, done.stdout, done.stderr);
  }

  async #find(type: string): Promise<string> {
    for (const dir of this.#binDirs) {
      try {
        await access(join(dir, type));
        return join(dir, type);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    throw new CniError(50, `the CNI plugin ${type} is in none of ${this.#binDirs.join(', ')}`);
  }

  #cacheFile(request: CniRequest): string {
    return join(this.#cacheDir, `${request.containerId}-${request.ifName}.json`);
  }

  async #cached(request: CniRequest): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#cacheFile(request), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function capabilitiesOf(value: unknown): Record<string, boolean> {
  const parsed = z.record(z.string(), z.boolean()).safeParse(value ?? {});
  return parsed.success ? parsed.data : {};
}

function failure(what: string, stdout: string, stderr: string): CniError {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    return new CniError(999, `${what}: ${stderr.trim() || stdout.trim() || 'failed without a word'}`);
  }
  const parsed = errorSchema.safeParse(answer);
  return parsed.success
    ? new CniError(parsed.data.code, `${what}: ${parsed.data.msg}`, parsed.data.details)
    : new CniError(999, `${what}: ${stdout.trim()}`);
}
