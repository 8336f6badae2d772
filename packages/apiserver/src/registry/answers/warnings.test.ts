import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { askRegistry } from './ask-registry.ts';

interface Warned {
  readonly path: string;
  readonly body: object;
  /** From the first on; a control plane leaves out what comes after a few thousand bytes. */
  readonly warnings: readonly string[];
}

/** What a control plane of Kubernetes v1.35.4 said beside its answers. */
const recorded = JSON.parse(readFileSync(new URL('./recorded-warnings.json', import.meta.url), 'utf8')) as Warned[];

describe('warnings', () => {
  it.each(
    recorded.map((each, index) => [index, each.path, each] as const),
  )('of recorded request %i to %s come in the words and the order of Kubernetes', async (_index, path, {
    body,
    warnings,
  }) => {
    const ask = await askRegistry();
    const answer = await ask({ method: 'POST', path, dryRun: true, body });
    expect(answer.code).toBe(201);
    expect(answer.warnings?.slice(0, warnings.length)).toEqual(warnings);
  });
});
