import { dirname, relative, resolve } from 'node:path';
import { Clients, systemClock } from '@keelson/core';
import { createCluster } from '../cluster.ts';
import { OperatorSession, watchSources } from '../dev/index.ts';
import { createLogger } from '../logger.ts';
import { loadOperators } from '../manifests/index.ts';
import { Progress } from '../progress.ts';
import { runUntilSignal } from '../run-until-signal.ts';
import { UserError } from '../user-error.ts';
import { type ClusterFlags, resolveConfig } from './cluster-options.ts';

/** `keelson dev operator.ts`: a cluster and the operators of a file, which are swapped whenever a source changes. */
export async function dev(file: string, flags: ClusterFlags): Promise<void> {
  // A mistake in the file is told before anything starts.
  await loadOperators(file, { fresh: true });
  const resolved = resolveConfig({ ...flags, runtime: flags.runtime ?? 'simulated' });
  const logger = createLogger(flags.logFormat, flags.logLevel);
  const progress = new Progress(flags.logFormat === 'json' ? undefined : process.stdout);
  const cluster = await createCluster({ ...resolved, logger, progress, kubeconfig: flags.kubeconfig });
  await runUntilSignal(cluster, progress, async (signal) => {
    const session = new OperatorSession({
      clients: cluster.host.get(Clients),
      admin: cluster.client,
      clock: systemClock,
      logger: logger.named('dev'),
      health: true,
    });
    const run = async (why: string) => {
      const from = performance.now();
      try {
        const operators = await loadOperators(file, { fresh: true });
        await session.replace(operators);
        const names = operators.map((each) => each.name).join(', ');
        progress.done(`${names}: ${why} in ${Math.round(performance.now() - from)} ms`);
      } catch (error) {
        progress.step(`${error instanceof UserError || error instanceof Error ? error.message : String(error)}`);
        progress.step('waits for the next change');
      }
    };
    // One after the other, however fast somebody saves.
    let last = run('runs');
    const unwatch = watchSources(dirname(resolve(file)), systemClock, (changed) => {
      last = last.then(() => run(`took over ${relative(process.cwd(), resolve(dirname(file), changed))}`));
    });
    await last;
    const traces = session.healthPort === undefined ? '' : '\n  keelson trace    # why reconciles ran';
    progress.say(`  kubectl --kubeconfig ${cluster.kubeconfig} get all -A${traces}\n  Ctrl-C ends it.`);
    await new Promise<void>((done) => {
      if (signal.aborted) return done();
      signal.addEventListener('abort', () => done(), { once: true });
    });
    unwatch();
    await last;
    await session.stop();
    return 'stop';
  });
}
