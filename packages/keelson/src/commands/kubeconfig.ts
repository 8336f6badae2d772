import { readFileSync } from 'node:fs';
import { readInstance } from '../instance.ts';
import { UserError } from '../user-error.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

/** `keelson kubeconfig`: the running cluster's kubeconfig on standard output. */
export async function printKubeconfig(flags: ConfigFlags & { readonly path?: boolean }): Promise<void> {
  const { dataDir } = resolveConfig(flags);
  const instance = readInstance(dataDir);
  if (!instance?.alive) throw new UserError(`no cluster runs on ${dataDir}; start one with \`keelson up\``);
  process.stdout.write(flags.path ? `${instance.kubeconfig}\n` : readFileSync(instance.kubeconfig, 'utf8'));
}
