import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
export const root = process.getuid?.() === 0;
export const ci = process.env.CI === 'true';

const onPath = (name: string) => (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, name)));
export const haveKubectl = onPath('kubectl');
export const haveContainerd = root && onPath('containerd') && (onPath('runc') || existsSync('/usr/sbin/runc'));

export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function command(
  program: string,
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Record<string, string>;
    readonly cwd?: string;
    readonly timeoutMs?: number;
    /** What it gets when its time is up; default SIGTERM. */
    readonly killSignal?: NodeJS.Signals;
    readonly signal?: AbortSignal;
  } = {},
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        maxBuffer: 1 << 26,
        timeout: options.timeoutMs ?? 60_000,
        env: { ...process.env, ...options.env },
        ...(options.cwd !== undefined && { cwd: options.cwd }),
        ...(options.killSignal && { killSignal: options.killSignal }),
        ...(options.signal && { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
      },
    );
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}

/** A cluster in a process of its own, started by the built command as a user starts it. */
export class ClusterProcess {
  readonly dir: string;
  readonly args: readonly string[];
  readonly #uid: number | undefined;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(dir: string, args: readonly string[], uid: number | undefined) {
    this.#uid = uid;
    this.dir = dir;
    this.args = args;
  }

  /** Starts it and waits until it says that it is ready. Rejects with its output when it ends before. */
  static async start(
    options: {
      readonly args?: readonly string[];
      readonly config?: string;
      readonly dir?: string;
      readonly uid?: number;
    } = {},
  ): Promise<ClusterProcess> {
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'kl-')));
    const args = ['up', '--data-dir', join(dir, 'data'), '--port', '0', ...(options.args ?? [])];
    // Test files run side by side: each gets ranges of its own on this machine.
    const worker = Number(process.env.VITEST_POOL_ID ?? '1');
    const ranges = `podCidr: 10.${100 + worker}.0.0/16\napi: { serviceCidr: 10.${150 + worker}.0.0/16 }\n`;
    await writeFile(join(dir, 'keelson.yaml'), (options.config ?? '') + ranges);
    args.push('--config', join(dir, 'keelson.yaml'));
    const cluster = new ClusterProcess(dir, args, options.uid);
    await cluster.restart();
    return cluster;
  }

  async restart(): Promise<void> {
    this.#output = '';
    const child = spawn(process.execPath, [cli, ...this.args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: this.dir,
      ...(this.#uid !== undefined && { uid: this.#uid, gid: this.#uid, env: { ...process.env, HOME: this.dir } }),
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      const read = (chunk: string) => {
        this.#output += chunk;
        if (this.#output.includes('The cluster is ready')) resolve();
      };
      child.stdout.setEncoding('utf8').on('data', read);
      child.stderr.setEncoding('utf8').on('data', read);
      child.once('exit', (code, signal) => reject(new Error(`keelson ended with ${signal ?? code}:\n${this.#output}`)));
      child.once('error', reject);
    });
  }

  get kubeconfig(): string {
    return join(this.dir, 'data', 'kubeconfig');
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Runs kubectl; rejects with its words unless it succeeds. */
  async kubectl(args: string | readonly string[], input?: string): Promise<string> {
    const outcome = await this.tryKubectl(args, input);
    if (outcome.code !== 0)
      throw new Error(
        `kubectl ${typeof args === 'string' ? args : args.join(' ')}: ${outcome.stderr || outcome.stdout}`,
      );
    return outcome.stdout;
  }

  tryKubectl(
    args: string | readonly string[],
    input?: string,
    env: Record<string, string> = {},
  ): Promise<CommandOutcome> {
    return command('kubectl', typeof args === 'string' ? args.split(' ') : args, {
      env: { KUBECONFIG: this.kubeconfig, ...env },
      ...(input !== undefined && { input }),
      timeoutMs: 120_000,
    });
  }

  async json<T>(args: string): Promise<T> {
    return JSON.parse(await this.kubectl(`${args} -o json`)) as T;
  }

  /** Ends it without a warning. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Stops it and removes what it left. */
  async remove(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise((resolve) => {
      child.once('exit', resolve);
      child.kill(signal);
    });
  }
}

/** Asks again until the condition holds; rejects with the last answer when the time is up. */
export async function eventually<T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  what: string,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await ask();
      if (holds(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(
        `${what}: not within ${timeoutMs} ms; last: ${last instanceof Error ? last.message : JSON.stringify(last)?.slice(0, 2000)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
