import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { StartWatcher, Subject, WatcherConfig } from './contract.ts';
import { Judge } from './judge.ts';

const memoryEveryMs = 500;

/** Runs a watch layer in this process. */
export async function startSubject(start: StartWatcher, config: WatcherConfig): Promise<Subject> {
  const judge = new Judge();
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  let memory = 0;
  const look = () => {
    memory = Math.max(memory, process.memoryUsage.rss());
  };
  const looking = setInterval(look, memoryEveryMs);
  looking.unref();
  const watcher = await start(config, judge.see);
  return {
    compare: async (truth) => judge.compare(truth),
    async figures() {
      look();
      return { ...judge.counts, restarts: watcher.restarts, memory, longestBlockMs: delays.max / 1e6 };
    },
    async stop() {
      clearInterval(looking);
      delays.disable();
      await watcher.stop();
    },
  };
}
