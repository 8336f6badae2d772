/** Which lines of two values, written as JSON, are not in both: those of the first with `-`, of the second with `+`. */
export function changedLines(before: unknown, after: unknown): string {
  const [old, next] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < old.length && start < next.length && old[start] === next[start]) start++;
  let end = 0;
  while (end < old.length - start && end < next.length - start && old.at(-1 - end) === next.at(-1 - end)) end++;
  const changes = [
    ...old.slice(start, old.length - end).map((line) => `-${line}`),
    ...next.slice(start, next.length - end).map((line) => `+${line}`),
  ];
  return `@@ -${start + 1},${old.length - end - start} +${start + 1},${next.length - end - start} @@\n${changes.join('\n')}\n`;
}

const linesOf = (value: unknown) => JSON.stringify(value, undefined, 1).split('\n');
