import { defineConfig } from 'vitest/config';

const conditions = ['@keelson/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'examples/**/*.test.ts',
      'test/**/*.test.ts',
      'conformance/**/*.test.ts',
    ],
    // Run by examples/guide/steps.test.ts, in one process.
    exclude: ['**/node_modules/**', 'examples/guide/step-*/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
