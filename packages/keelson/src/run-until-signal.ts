import type { Cluster } from './cluster.ts';
import type { Progress } from './progress.ts';

/**
 * Starts a cluster, lets `whenReady` do its part, and stops the cluster in order on SIGINT, SIGTERM or SIGHUP, or when
 * `whenReady` resolves to `stop`. A second signal ends the process at once; what was acknowledged is on disk in any case.
 */
export async function runUntilSignal(
  cluster: Cluster,
  progress: Progress,
  whenReady: (signal: AbortSignal) => Promise<'stop' | void>,
): Promise<void> {
  const aborted = new AbortController();
  let wake: () => void = () => undefined;
  const signalled = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const onSignal = (name: NodeJS.Signals) => {
    if (aborted.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    progress.say(`\n${name === 'SIGINT' ? 'Ctrl-C' : name}: stopping in order (once more ends it at once) …`);
    aborted.abort(new Error(`stopped by ${name}`));
    wake();
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, onSignal);
  // Timers inside are unref'd: this one keeps the process until the end has been asked for.
  const alive = setInterval(() => undefined, 1 << 30);
  try {
    await cluster.start(aborted.signal);
    if ((await whenReady(aborted.signal)) !== 'stop') await signalled;
  } catch (error) {
    if (!aborted.signal.aborted) throw error;
  } finally {
    try {
      await cluster.stop();
      progress.done('stopped');
    } finally {
      clearInterval(alive);
      for (const name of names) process.off(name, onSignal);
    }
  }
}
