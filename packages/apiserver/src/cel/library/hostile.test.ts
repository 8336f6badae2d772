import { describe, expect, it } from 'vitest';
import { CelEnvironment } from '../environment.ts';
import { standardLibrary } from '../standard/standard-library.ts';
import { stringType } from '../standard-types.ts';
import { kubernetesLibraries } from './kubernetes-libraries.ts';

const environment = new CelEnvironment({
  libraries: [standardLibrary, ...kubernetesLibraries()],
  variables: { long: stringType },
});
const million = 1_000_000;

/** Evaluates with a text of a million characters and the budget that Kubernetes gives an expression. */
function evaluate(text: string, long = 'a'.repeat(million), costLimit = 10 * million) {
  const compiled = environment.compile(text);
  if (compiled.failure) throw new Error(compiled.message);
  return compiled.program.evaluate({ long }, { costLimit });
}

/** Milliseconds, on a machine with much else to do: without bounds each of these takes minutes, or all memory. */
const timeout = 20_000;

const exceeded = 'operation cancelled: actual cost limit exceeded';
/** `depth` lists within each other, each with ten times the same one. */
const nested = (depth: number): string =>
  depth === 0 ? '[1]' : `[${nested(depth - 1)}].map(x, [x, x, x, x, x, x, x, x, x, x])[0]`;

describe('expressions that would run for ever, or take all memory', () => {
  it.each([
    ['lists.range(1000000000).size()'],
    ['long.replace("", long).size()'],
    ['lists.range(1000).map(i, long).join().size()'],
    ['lists.range(100).map(i, "b").join(long).size()'],
    [
      '("%s" + "%s%s%s%s%s%s%s%s%s%s%s").format([long, long, long, long, long, long, long, long, long, long, long, long])',
    ],
    [`"%s".format([${nested(9)}])`],
    [`${nested(9)} == ${nested(9)}`],
    [`[${nested(9)}].indexOf(${nested(9)})`],
    ['[lists.range(100000)].map(l, [l, l, l, l, l, l, l, l, l, l, l, l, l]).flatten().flatten()'],
    ['long.matches(long)'],
    ['lists.range(3000).map(i, [i]).distinct()'],
    ['sets.contains(lists.range(3000).map(i, [i]), lists.range(3000).map(i, [i + 5000]))'],
  ])('%s ends', { timeout }, (text) => {
    expect(evaluate(text).error).toBe(exceeded);
  });

  it.each([
    ['long.trim().size()', `b${' '.repeat(million)}b`],
    ['lists.range(20000).all(i, long.charAt(i) != "x")', undefined],
    ['lists.range(20000).all(i, long.size() > i)', undefined],
    ['lists.range(2000).all(i, long.substring(i, i + 2) != "x")', '😀'.repeat(million / 2)],
    ['long.matches("^(a+)+$")', `${'a'.repeat(million)}!`],
    ['isIP(long) || isCIDR(long) || isURL(long) || isSemver(long) || isSemver(long, true)', ':'.repeat(million)],
    ['format.dns1123Subdomain().validate(long).hasValue()', `${'a-'.repeat(million / 2)}!`],
    ['format.byte().validate(long).hasValue()', `${'a'.repeat(million)}!`],
    ['format.uri().validate(long).hasValue()', `http://${'a@'.repeat(million / 2)}`],
    ['isQuantity(long)', '9'.repeat(million)],
  ])('%s ends, and gives an answer', { timeout }, (text, long) => {
    expect(evaluate(text, long, 1000 * million).error).toBeUndefined();
  });
});
