interface Block {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

type Tag = 'equal' | 'replace' | 'delete' | 'insert';
interface Step {
  readonly tag: Tag;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

/** Where each line of `b` stands; lines that stand everywhere say nothing in a long text, and are left out. */
function positions(b: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  b.forEach((line, index) => {
    const list = found.get(line);
    if (list) list.push(index);
    else found.set(line, [index]);
  });
  if (b.length >= 200) {
    const most = Math.floor(b.length / 100) + 1;
    for (const [line, list] of found) if (list.length > most) found.delete(line);
  }
  return found;
}

/** The longest run that both have within the bounds, the earliest of them; grown over the lines that say nothing. */
function longestMatch(
  a: readonly string[],
  b: readonly string[],
  where: ReadonlyMap<string, readonly number[]>,
  { a1, a2, b1, b2 }: Omit<Step, 'tag'>,
): Block {
  let best: Block = { a: a1, b: b1, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = a1; i < a2; i++) {
    const next = new Map<number, number>();
    for (const j of where.get(a[i] ?? '') ?? []) {
      if (j < b1) continue;
      if (j >= b2) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: startA, b: startB, size } = best;
  while (startA > a1 && startB > b1 && a[startA - 1] === b[startB - 1]) {
    startA--;
    startB--;
    size++;
  }
  while (startA + size < a2 && startB + size < b2 && a[startA + size] === b[startB + size]) size++;
  return { a: startA, b: startB, size };
}

function matchingBlocks(a: readonly string[], b: readonly string[]): Block[] {
  const where = positions(b);
  const found: Block[] = [];
  const open = [{ a1: 0, a2: a.length, b1: 0, b2: b.length }];
  for (let each = open.pop(); each; each = open.pop()) {
    const block = longestMatch(a, b, where, each);
    if (block.size === 0) continue;
    found.push(block);
    if (each.a1 < block.a && each.b1 < block.b) open.push({ ...each, a2: block.a, b2: block.b });
    const [endA, endB] = [block.a + block.size, block.b + block.size];
    if (endA < each.a2 && endB < each.b2) open.push({ ...each, a1: endA, b1: endB });
  }
  found.sort((x, y) => x.a - y.a || x.b - y.b);
  const joined: Block[] = [];
  for (const each of found) {
    const last = joined.at(-1);
    if (last && last.a + last.size === each.a && last.b + last.size === each.b) {
      joined[joined.length - 1] = { ...last, size: last.size + each.size };
    } else joined.push(each);
  }
  return joined;
}

function steps(a: readonly string[], b: readonly string[]): Step[] {
  const result: Step[] = [];
  let i = 0;
  let j = 0;
  for (const { a: nextA, b: nextB, size } of [...matchingBlocks(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < nextA || j < nextB) {
      const tag = i < nextA && j < nextB ? 'replace' : i < nextA ? 'delete' : 'insert';
      result.push({ tag, a1: i, a2: nextA, b1: j, b2: nextB });
    }
    i = nextA + size;
    j = nextB + size;
    if (size > 0) result.push({ tag: 'equal', a1: nextA, a2: i, b1: nextB, b2: j });
  }
  return result;
}

const context = 3;

function groups(all: Step[]): Step[][] {
  const first = all[0];
  if (first?.tag === 'equal') {
    all[0] = { ...first, a1: Math.max(first.a1, first.a2 - context), b1: Math.max(first.b1, first.b2 - context) };
  }
  const last = all.at(-1);
  if (last?.tag === 'equal') {
    all[all.length - 1] = {
      ...last,
      a2: Math.min(last.a2, last.a1 + context),
      b2: Math.min(last.b2, last.b1 + context),
    };
  }
  const result: Step[][] = [];
  let group: Step[] = [];
  for (const each of all) {
    if (each.tag === 'equal' && each.a2 - each.a1 > 2 * context) {
      group.push({ ...each, a2: Math.min(each.a2, each.a1 + context), b2: Math.min(each.b2, each.b1 + context) });
      result.push(group);
      group = [{ ...each, a1: Math.max(each.a1, each.a2 - context), b1: Math.max(each.b1, each.b2 - context) }];
    } else group.push(each);
  }
  if (group.length > 0 && !(group.length === 1 && group[0]?.tag === 'equal')) result.push(group);
  return result;
}

function range(start: number, stop: number): string {
  const size = stop - start;
  if (size === 1) return `${start + 1}`;
  return `${size === 0 ? start : start + 1},${size}`;
}

/**
 * What became of the lines, as `diff -u` shows it, without a header and with three lines around each change
 * (Ratcliff and Obershelp's matching, as Python's difflib popularised it: the longest common run first).
 */
export function lineDiff(before: string, after: string): string {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let text = '';
  for (const group of groups(steps(a, b))) {
    const [first, last] = [group[0], group.at(-1)];
    if (!first || !last) continue;
    text += `@@ -${range(first.a1, last.a2)} +${range(first.b1, last.b2)} @@\n`;
    for (const { tag, a1, a2, b1, b2 } of group) {
      if (tag === 'equal') for (const line of a.slice(a1, a2)) text += ` ${line}\n`;
      if (tag === 'replace' || tag === 'delete') for (const line of a.slice(a1, a2)) text += `-${line}\n`;
      if (tag === 'replace' || tag === 'insert') for (const line of b.slice(b1, b2)) text += `+${line}\n`;
    }
  }
  return text;
}
