import { defineConfig, type Options } from 'tsup';

/** The one tsup configuration: every package names its entries and nothing else. */
export function packageConfig(entry: Record<string, string>, options: Options = {}) {
  return defineConfig((cli) => ({
    entry,
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    splitting: true,
    sourcemap: true,
    clean: true,
    tsconfig: '../../tsconfig.build.json',
    dts: cli.dts === undefined ? { compilerOptions: { ignoreDeprecations: '6.0' } } : cli.dts,
    ...options,
  }));
}
