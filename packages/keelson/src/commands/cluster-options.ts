import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type LoadedConfig, loadConfig, parseConfig } from '../config/load.ts';
import { type ClusterConfig, runtimeNames } from '../config/schema.ts';
import type { LogFormat, LogLevel } from '../logger.ts';
import { UserError } from '../user-error.ts';

export interface ConfigFlags {
  readonly config?: string;
  readonly dataDir?: string;
}

export interface ClusterFlags extends ConfigFlags {
  readonly port?: number;
  readonly nodes?: number;
  readonly runtime?: string;
  readonly kubeconfig?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

/** A configuration, with the data directory as a whole path. */
export interface ResolvedConfig extends LoadedConfig {
  readonly dataDir: string;
}

/** The configuration file (or none), with what the command line says on top. */
export function resolveConfig(flags: ConfigFlags & Partial<ClusterFlags>): ResolvedConfig {
  const file = flags.config ?? (existsSync('keelson.yaml') ? 'keelson.yaml' : undefined);
  const loaded: LoadedConfig =
    file === undefined ? { config: parseConfig(''), baseDir: process.cwd() } : loadConfig(file);
  const runtime = flags.runtime === undefined ? undefined : runtimeNames.find((name) => name === flags.runtime);
  if (flags.runtime !== undefined && runtime === undefined)
    throw new UserError(`--runtime ${flags.runtime}: not one of ${runtimeNames.join(', ')}`);
  if (flags.port !== undefined && !(Number.isInteger(flags.port) && flags.port >= 0 && flags.port <= 65535))
    throw new UserError(`--port: a whole number from 0 to 65535`);
  const config: ClusterConfig = {
    ...loaded.config,
    ...(flags.nodes !== undefined && { nodes: flags.nodes }),
    ...(flags.port !== undefined && { api: { ...loaded.config.api, port: flags.port } }),
    ...(runtime !== undefined && runtime !== loaded.config.runtime.name && { runtime: { name: runtime, options: {} } }),
  };
  return {
    config,
    baseDir: loaded.baseDir,
    dataDir: flags.dataDir === undefined ? resolve(loaded.baseDir, config.dataDir) : resolve(flags.dataDir),
  };
}
