import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The command `keelson-operator`, built. */
const program = path('../../core/dist/run.js');

/** Compiles a file for Node, as whoever ships an operator does; packages stay outside. Gives where it lies. */
export async function compiled(file: string): Promise<string> {
  const name = `${basename(dirname(file))}-${basename(file, '.ts')}.mjs`;
  const outfile = join(path('../../../node_modules/.cache/keelson-operators'), name);
  await mkdir(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
  });
  return outfile;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An operator in a process of its own, as a container starts it: `keelson-operator operator.js --kubeconfig …`. */
export class OperatorProcess {
  readonly #child: ChildProcess;
  #output = '';
  /** Resolves when the process has ended. */
  readonly ended: Promise<ProcessEnd>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    const read = (chunk: string) => {
      this.#output = (this.#output + chunk).slice(-100_000);
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** @param file as `compiled` gives it */
  static start(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): OperatorProcess {
    return OperatorProcess.run([program, file, ...args], env);
  }

  /** Any program of Node's that runs an operator. */
  static run(args: readonly string[], env: Readonly<Record<string, string>> = {}): OperatorProcess {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    return new OperatorProcess(child);
  }

  get output(): string {
    return this.#output;
  }

  kill(signal: NodeJS.Signals): Promise<ProcessEnd> {
    this.#child.kill(signal);
    return this.ended;
  }

  /** Sends a signal without waiting for what it does. */
  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
