import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));

it('the operator in the README is the one that is tested, and no longer than forty lines', () => {
  const operator = readFileSync(join(here, 'website-operator.ts'), 'utf8').trim();
  expect(readFileSync(join(here, '..', 'README.md'), 'utf8')).toContain(`\`\`\`ts\n${operator}\n\`\`\``);
  expect(operator.split('\n').length).toBeLessThanOrEqual(40);
});
