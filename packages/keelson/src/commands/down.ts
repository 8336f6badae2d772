import { setTimeout as sleep } from 'node:timers/promises';
import { readInstance, removeInstance, startTicks } from '../instance.ts';
import { UserError } from '../user-error.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

/** `keelson down`: asks the cluster to stop, waits for it, and ends it by force when the time is up. */
export async function down(flags: ConfigFlags & { readonly timeout: number }): Promise<void> {
  const { dataDir } = resolveConfig(flags);
  const instance = readInstance(dataDir);
  if (!instance?.alive) {
    if (instance) removeInstance(dataDir);
    process.stdout.write(`No cluster runs on ${dataDir}.\n`);
    return;
  }
  try {
    process.kill(instance.pid, 'SIGTERM');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw new UserError(
      `the cluster on ${dataDir} (process ${instance.pid}) belongs to another user: stop it as that user, or as root`,
    );
  }
  process.stdout.write(`Stopping the cluster on ${dataDir} (process ${instance.pid}) …\n`);
  const deadline = Date.now() + flags.timeout * 1000;
  while (startTicks(instance.pid) === instance.startTicks) {
    if (Date.now() > deadline) {
      process.kill(instance.pid, 'SIGKILL');
      throw new UserError(
        `it did not stop within ${flags.timeout} s and was killed; its data is safe, its containers may still run`,
      );
    }
    await sleep(50);
  }
  process.stdout.write('Stopped.\n');
}
