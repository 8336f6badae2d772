/** Sets of indexes as `1,3-5`: counts them. An answer of text says what is wrong. */
export function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let count = 0;
  let last = -1;
  for (const part of text.split(',')) {
    const ends = part.split('-');
    if (ends.length > 2)
      return `the fragment "${part}" violates the requirement that an index interval can have at most two parts separated by '-'`;
    const numbers: number[] = [];
    for (const end of ends) {
      const kind = numbers.length === 0 ? 'first' : 'second';
      if (!/^[+-]?\d+$/.test(end)) return `cannot convert string to integer for index: "${end}"`;
      const index = Number(end);
      void kind;
      if (index >= completions) return `too large index: "${end}"`;
      numbers.push(index);
    }
    const [first = 0, second] = numbers;
    if (first <= last) return `non-increasing order, previous: ${last}, current: ${first}`;
    last = first;
    if (second === undefined) {
      count++;
      continue;
    }
    if (second <= first) return `non-increasing order, previous: ${first}, current: ${second}`;
    count += second - first + 1;
    last = second;
  }
  return count;
}

/** The smallest index that two readable sets have in common. */
export function firstShared(one: string, other: string): number | undefined {
  const [left, right] = [intervals(one), intervals(other)];
  for (let a = 0, b = 0; a < left.length && b < right.length; ) {
    const [from = 0, to = 0] = left[a] ?? [];
    const [first = 0, last = 0] = right[b] ?? [];
    if (from <= last && first <= to) return Math.max(from, first);
    if (to < first) a++;
    else b++;
  }
  return undefined;
}

function intervals(text: string): readonly (readonly [number, number])[] {
  if (countIndexes(text, Number.POSITIVE_INFINITY) === 0) return [];
  return text.split(',').map((part) => {
    const [first = '0', last = first] = part.split('-');
    return [Number(first), Number(last)] as const;
  });
}
