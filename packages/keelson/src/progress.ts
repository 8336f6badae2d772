import pc from 'picocolors';

/** Tells people what long work is at: one line a step, with the time since the beginning. */
export class Progress {
  readonly #out: NodeJS.WritableStream | undefined;
  readonly #started = performance.now();

  /** Without a stream it says nothing. */
  constructor(out: NodeJS.WritableStream | undefined) {
    this.#out = out;
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  step(text: string): void {
    this.#out?.write(`  ${pc.dim(`${this.seconds.toFixed(1).padStart(5)} s`)}  ${text}\n`);
  }

  done(text: string): void {
    this.step(`${pc.green('✓')} ${text}`);
  }

  say(text: string): void {
    this.#out?.write(`${text}\n`);
  }
}
