import { defineConfig, type Options } from 'tsup';

/**
 * One character beyond Latin-1, be it in a comment, and V8 holds the whole file in two bytes a character. Escapes mean
 * the same in texts, templates and patterns.
 */
const latin = {
  name: 'latin',
  renderChunk: (code: string) => ({
    code: code.replace(/[^\u0000-\u00ff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`),
  }),
};

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
    plugins: [latin],
    ...options,
  }));
}
