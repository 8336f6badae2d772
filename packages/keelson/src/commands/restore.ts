import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readBackup, restoreBackup } from '@keelson/apiserver';
import { readInstance } from '../instance.ts';
import { Progress } from '../progress.ts';
import { UserError } from '../user-error.ts';
import { describe, userErrors } from './backup.ts';
import { type ConfigFlags, resolveConfig } from './cluster-options.ts';

export interface RestoreFlags extends ConfigFlags {
  readonly force?: boolean;
}

/** What a backup brings, and so what it would lie over. */
const parts = ['storage', 'pki'];

/** `keelson restore FILE`: makes a data directory of a backup. */
export async function restore(file: string, flags: RestoreFlags): Promise<void> {
  const { config, dataDir } = resolveConfig(flags);
  const path = resolve(file);
  if (config.store !== 'log') {
    throw new UserError(
      `a backup is restored into the embedded store; the configuration says \`store: ${nameOf(config)}\``,
    );
  }
  if (!existsSync(path)) throw new UserError(`there is no file ${path}`);
  const running = readInstance(dataDir);
  if (running?.alive) {
    throw new UserError(`a cluster (process ${running.pid}) runs on ${dataDir}: stop it first with \`keelson down\``);
  }
  const there = existsSync(dataDir) ? readdirSync(dataDir) : [];
  if (there.length > 0 && !flags.force) {
    throw new UserError(
      `${dataDir} is not empty: choose another directory with --data-dir, or --force to put what is there aside`,
    );
  }
  const progress = new Progress(process.stderr);
  progress.step(`checking ${path}`);
  // Before anything is put aside: a bad file changes nothing.
  await userErrors(() => readBackup(path));
  for (const name of parts.filter((each) => there.includes(each))) {
    const aside = join(dataDir, freeName(there, `${name}.before-restore`));
    renameSync(join(dataDir, name), aside);
    progress.step(`what was there is now ${aside}`);
  }
  const summary = await userErrors(() => restoreBackup(path, dataDir, tenths(progress)));
  progress.done(`${dataDir}: ${describe(summary)}. Start it with \`keelson up\`.`);
}

function tenths(progress: Progress): (step: 'check' | 'write', share: number) => void {
  let told = 0;
  return (step, share) => {
    const tenth = Math.floor(share * 10);
    if (step !== 'write' || tenth <= told) return;
    told = tenth;
    progress.step(`${tenth * 10} % written`);
  };
}

function freeName(taken: readonly string[], name: string): string {
  let free = name;
  for (let number = 2; taken.includes(free); number++) free = `${name}-${number}`;
  return free;
}

const nameOf = ({ store }: { readonly store: unknown }) => (typeof store === 'string' ? store : 'etcd');
