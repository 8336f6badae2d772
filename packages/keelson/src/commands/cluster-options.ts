import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig, type LoadedConfig, parseConfig } from '../config/load.ts';
import type { ClusterConfig } from '../config/schema.ts';
import type { LogFormat, LogLevel } from '../logger.ts';

export interface ConfigFlags {
  readonly config?: string;
  readonly dataDir?: string;
}

export interface ClusterFlags extends ConfigFlags {
  readonly port?: number;
  readonly nodes?: number;
  readonly runtime?: ClusterConfig['runtime']['name'];
  readonly kubeconfig?: string;
  readonly logFormat: LogFormat;
  readonly logLevel: LogLevel;
}

export interface ResolvedConfig extends LoadedConfig {
  readonly dataDir: string;
}

/** The configuration file (or none), with what the command line says on top. */
export function resolveConfig(flags: ConfigFlags & Partial<ClusterFlags>): ResolvedConfig {
  const file = flags.config ?? (existsSync('keelson.yaml') ? 'keelson.yaml' : undefined);
  const loaded: LoadedConfig = file === undefined ? { config: parseConfig(''), baseDir: process.cwd() } : loadConfig(file);
  const config: ClusterConfig = {
    ...loaded.config,
    ...(flags.nodes !== undefined && { nodes: flags.nodes }),
    ...(flags.port !== undefined && { api: { ...loaded.config.api, port: flags.port } }),
    ...(flags.runtime !== undefined && flags.runtime !== loaded.config.runtime.name && { runtime: { name: flags.runtime, options: {} } }),
  };
  return { config, baseDir: loaded.baseDir, dataDir: flags.dataDir === undefined ? resolve(loaded.baseDir, config.dataDir) : resolve(flags.dataDir) };
}
