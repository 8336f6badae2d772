import { describe, expect, it } from 'vitest';
import { jsonValue } from '../adapters/index.ts';
import { CelEnvironment } from '../environment.ts';
import { standardLibrary } from '../standard/standard-library.ts';
import { dynType } from '../standard-types.ts';

const environment = new CelEnvironment({ libraries: [standardLibrary], variables: { self: dynType } });
const self = jsonValue({ list: Array.from({ length: 5000 }, (_, index) => index), text: 'a'.repeat(100_000) });
/** A list of 2^200 elements, which costs next to nothing. */
const endless = `[[1]]${'.map(x, x + x)'.repeat(200)}[0]`;

function evaluated(text: string, signal?: AbortSignal) {
  const compiled = environment.compile(text);
  if (compiled.failure) throw new Error(compiled.message);
  return compiled.program.evaluate({ self }, { costLimit: 1_000_000, signal });
}

describe('evaluation', () => {
  it.each([
    'self.list.all(x, self.list.all(y, self.list.all(z, z >= 0)))',
    `${endless}.all(y, y == 1)`,
    `2 in ${endless}`,
    `${endless}.map(y, y).size() > 0`,
    `${endless}.exists(y, y == 2) || ${endless}.exists(y, y == 3)`,
    `self.list.all(x, self.text + self.text + self.text != self.text)`,
  ])('ends at its limit: %s', (text) => {
    const started = performance.now();
    expect(evaluated(text)).toMatchObject({
      error: 'operation cancelled: actual cost limit exceeded',
      cancelled: true,
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('runs patterns in time linear to the text', () => {
    const started = performance.now();
    expect(evaluated("self.text.matches('(a|aa)+$') && !self.text.matches('(a*)*b')")).toMatchObject({ value: true });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('ends when it is told to', () => {
    const result = evaluated('self.list.all(x, x >= 0)', AbortSignal.abort());
    expect(result).toMatchObject({ error: 'operation interrupted', cancelled: true });
  });
});
