import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rebase } from './rebase.ts';

describe('rebase', () => {
  const value = fc.jsonValue({ noUnicodeString: true, maxDepth: 4 }).map((each) => JSON.parse(JSON.stringify(each)));

  it('gives what was changed to, from what it was changed from; and leaves what was not changed', () => {
    fc.assert(
      fc.property(value, value, (before, after) => {
        expect(rebase(before, before, after)).toEqual(after);
        expect(rebase(after, before, before)).toEqual(after);
      }),
    );
  });

  it('keeps what the operator has otherwise', () => {
    const condition = (type: string, status: string) => ({ type, status });
    expect(
      rebase(
        { own: 2, finalizers: ['own'], conditions: [condition('Ready', 'False'), condition('Own', 'True')] },
        { own: 1, finalizers: [], conditions: [condition('Ready', 'Unknown')] },
        { own: 1, finalizers: ['theirs'], conditions: [condition('Ready', 'True'), condition('Theirs', 'True')] },
      ),
    ).toEqual({
      own: 2,
      finalizers: ['own', 'theirs'],
      conditions: [condition('Ready', 'True'), condition('Own', 'True'), condition('Theirs', 'True')],
    });
  });
});
