import { type Names, namesFor, type TwinCase } from './case.ts';
import { type Difference, diffAnswers } from './diff.ts';
import { type Answer, normalise } from './normalise.ts';
import { play } from './play.ts';
import type { Sides } from './sides.ts';

export interface Verdict {
  readonly differences: readonly Difference[];
  readonly names: Names;
  readonly expected: readonly Answer[];
  readonly got: readonly Answer[];
}

let first = 0;
let runs = 0;

/** Starts the counter of names elsewhere than at zero: for servers that have seen a run already. */
export function startNamesAt(number: number): void {
  first = number;
  runs = number;
}

/** Plays a case on both sides at once and compares. */
export async function runCase(sides: Sides, twinCase: TwinCase, idleMs: number): Promise<Verdict> {
  const number = runs++;
  const names = namesFor(number);
  const [real, ours] = await Promise.all(
    [sides.real, sides.keelson].map((wire) => play(wire, twinCase, names, { idleMs, start: sides.startOf(wire) })),
  );
  if (!real || !ours) throw new Error('a side did not play');
  const isOther = (run: number) => run !== number && run >= first && run < runs;
  const expected = normalise(twinCase, names, real, isOther);
  const got = normalise(twinCase, names, ours, isOther);
  const differences: Difference[] = [];
  for (const [index, step] of twinCase.steps.entries()) {
    const [a, b] = [expected[index], got[index]];
    if (!a || !b) continue;
    const found = diffAnswers(index, a, b);
    differences.push(...found);
    // After a write that only one side took, the states are two and nothing can be compared; nor what a watch saw of it.
    if (step.method !== 'GET' && found.some(({ path }) => path === 'status'))
      return { differences: differences.filter(({ step }) => !twinCase.steps[step]?.watch), names, expected, got };
  }
  return { differences, names, expected, got };
}
