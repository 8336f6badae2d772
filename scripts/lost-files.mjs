// A reporter of Vitest that names the files of workers that died, and how they died: Vitest itself says only that one did.
import { subscribe } from 'node:diagnostics_channel';
import { relative } from 'node:path';

export default class LostFiles {
  #running = new Map();
  #deaths = [];

  onInit() {
    subscribe('child_process', ({ process: child }) => {
      child.once('exit', (code, signal) => {
        const stopped = code === 0 || signal === 'SIGTERM';
        if (!stopped && this.#deaths.length < 20) this.#deaths.push(`${child.pid}: ${signal ?? `code ${code}`}`);
      });
    });
  }

  onTestModuleStart(module) {
    this.#running.set(module.moduleId, Date.now());
  }

  onTestModuleEnd(module) {
    this.#running.delete(module.moduleId);
  }

  onTestRunEnd() {
    const now = Date.now();
    for (const [file, since] of this.#running) {
      console.error(
        `LOST ${relative(process.cwd(), file)}: began ${Math.round((now - since) / 1000)} s ago, never ended`,
      );
    }
    for (const death of this.#deaths) console.error(`LOST worker ${death}`);
    if (this.#running.size > 0) process.exitCode = 1;
  }
}
