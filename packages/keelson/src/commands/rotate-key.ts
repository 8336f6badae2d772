import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rotateServiceAccountKey } from '@keelson/apiserver';
import { UserError } from '../user-error.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

/** `keelson rotate-key`: another key signs ServiceAccount tokens from now on; those of the old one stay good. */
export async function rotateKey(flags: ConfigFlags): Promise<void> {
  const { dataDir } = resolveConfig(flags);
  const dir = join(dataDir, 'pki');
  if (!existsSync(join(dir, 'sa.key'))) throw new UserError(`there is no cluster in ${dataDir}`);
  const { retired } = await rotateServiceAccountKey(dir);
  process.stdout.write(`a new key signs ServiceAccount tokens; the old one stays good by ${join(dir, retired)}\n`);
}
