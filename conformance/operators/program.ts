import { type ChildProcess, spawn } from 'node:child_process';

/** A program that runs until it is stopped; what it says is kept for a failing test. */
export class Program {
  readonly #child: ChildProcess;
  readonly #over: Promise<void>;
  #said = '';

  constructor(path: string, args: readonly string[], env: Record<string, string> = {}) {
    this.#child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#over = new Promise((resolve) => this.#child.once('close', () => resolve()));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#said = (this.#said + chunk).slice(-20_000);
      });
    }
  }

  /** The end of what it has said. */
  get said(): string {
    return this.#said;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#over;
  }
}
