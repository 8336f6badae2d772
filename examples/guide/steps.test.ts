import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
const tests = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((each) => /^step-\d+.*\.test\.ts$/.test(each))
  .sort();

// In one process: what they import takes longer than most of them.
for (const each of tests) {
  describe(each, async () => {
    await import(join(here, each));
  });
}
