type Interval = readonly [first: number, last: number];

interface ReadIndexes {
  /** As far as they can be read. */
  readonly intervals: readonly Interval[];
  /** Why they cannot be read on from there. */
  readonly wrong?: string;
}

/** Sets of indexes as `1,3-5`, each below `completions`. */
function readIndexes(text: string, completions: number): ReadIndexes {
  const intervals: Interval[] = [];
  if (text === '') return { intervals };
  let previous = -1;
  for (const part of text.split(',')) {
    const ends = part.split('-');
    if (ends.length > 2) {
      const wrong = `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`;
      return { intervals, wrong };
    }
    const numbers: number[] = [];
    for (const end of ends) {
      if (!/^[+-]?\d+$/.test(end)) return { intervals, wrong: `cannot convert string to integer for index: "${end}"` };
      const index = Number(end);
      if (index >= completions) return { intervals, wrong: `too large index: "${end}"` };
      numbers.push(index);
    }
    const [first = 0, last = first] = numbers;
    if (first <= previous) return { intervals, wrong: notIncreasing(previous, first) };
    if (numbers.length > 1 && last <= first) return { intervals, wrong: notIncreasing(first, last) };
    intervals.push([first, last]);
    previous = last;
  }
  return { intervals };
}

const notIncreasing = (previous: number, current: number) =>
  `non-increasing order, previous: ${previous}, current: ${current}`;

/** Counts a set of indexes. An answer of text says what is wrong. */
export function countIndexes(text: string, completions: number): number | string {
  const { intervals, wrong } = readIndexes(text, completions);
  return wrong ?? intervals.reduce((count, [first, last]) => count + last - first + 1, 0);
}

/** The smallest index that two sets have in common, as far as they can be read. */
export function firstShared(one: string, other: string, completions: number): number | undefined {
  const [left, right] = [readIndexes(one, completions).intervals, readIndexes(other, completions).intervals];
  for (let a = 0, b = 0; a < left.length && b < right.length; ) {
    const [from = 0, to = 0] = left[a] ?? [];
    const [first = 0, last = 0] = right[b] ?? [];
    if (from <= last && first <= to) return Math.max(from, first);
    if (to < first) a++;
    else b++;
  }
  return undefined;
}
