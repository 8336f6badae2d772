/** A class of Unicode has hundreds of ranges. */
const unicodeClass = 50;
/** Characters of a class that are as much as one instruction. */
const perInstruction = 8;

export interface PatternSize {
  /** About how many instructions it becomes, with its repetitions written out. */
  readonly instructions: number;
  /** How often the most repeated part stands there then. */
  readonly repetition: number;
}

/** How large a pattern of RE2's syntax is; found without reading it. */
export function patternSize(pattern: string): PatternSize {
  let here = { sum: 0, most: 1 };
  let last = { sum: 0, most: 1 };
  const outer: { sum: number; most: number }[] = [];
  for (let at = 0; at < pattern.length; ) {
    const character = pattern[at];
    const next = endOfPiece(pattern, at);
    const times = character === '{' ? timesOf(pattern.slice(at, next)) : undefined;
    if (times !== undefined) {
      here.sum += last.sum * Math.max(0, times - 1);
      last = { sum: last.sum * Math.max(1, times), most: last.most * Math.max(1, times) };
      here.most = Math.max(here.most, last.most);
    } else if (character === '(') {
      outer.push(here);
      here = { sum: 0, most: 1 };
    } else if (character === ')') {
      last = { sum: here.sum + 2, most: here.most };
      const around = outer.pop();
      here = { sum: (around?.sum ?? 0) + last.sum, most: Math.max(around?.most ?? 1, last.most) };
    } else {
      last = { sum: weightOf(pattern, at, next), most: 1 };
      here.sum += last.sum;
    }
    at = next;
  }
  const all = [...outer, here];
  return {
    instructions: all.reduce((total, { sum }) => total + sum, 0),
    repetition: all.reduce((most, each) => Math.max(most, each.most), 1),
  };
}

function endOfPiece(pattern: string, at: number): number {
  const character = pattern[at];
  if (character === '[') return endOfClass(pattern, at);
  if (character === '{') return endOfRepetition(pattern, at);
  if (character !== '\\') return at + 1;
  const escaped = pattern[at + 1];
  if (escaped === 'Q') return endAfter(pattern, '\\E', at);
  return /^[pPx]$/.test(escaped ?? '') && pattern[at + 2] === '{' ? endAfter(pattern, '}', at) : at + 2;
}

function endAfter(pattern: string, end: string, at: number): number {
  const found = pattern.indexOf(end, at);
  return found < 0 ? pattern.length : found + end.length;
}

/** The first `]` that is neither escaped nor the first in the class, nor that of `[:name:]`. */
function endOfClass(pattern: string, from: number): number {
  let at = from + 1;
  if (pattern[at] === '^') at++;
  if (pattern[at] === ']') at++;
  for (; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++;
    else if (pattern[at] === ']') return at + 1;
    else if (pattern[at] === '[' && pattern[at + 1] === ':') {
      const name = /^\[:\^?\w{1,10}:\]/.exec(pattern.slice(at, at + longestName))?.[0].length ?? 1;
      at += name - 1;
    }
  }
  return pattern.length;
}

const longestName = 15;
/** Go refuses longer ones. */
const longestRepetition = 12;

function endOfRepetition(pattern: string, at: number): number {
  return at + (/^\{\d+,?\d*\}/.exec(pattern.slice(at, at + longestRepetition))?.[0].length ?? 1);
}

function timesOf(text: string): number | undefined {
  const [, least, comma = '', most = ''] = /^\{(\d+)(,?)(\d*)\}$/.exec(text) ?? [];
  if (least === undefined) return undefined;
  return Math.max(Number(least) + (most === '' ? comma.length : 0), Number(most));
}

function weightOf(pattern: string, from: number, to: number): number {
  if (pattern[from] === '[') {
    const classes = pattern.slice(from, to).match(/\\p/gi)?.length ?? 0;
    return 1 + (to - from) / perInstruction + unicodeClass * classes;
  }
  if (pattern[from] !== '\\') return 1;
  if (pattern[from + 1] === 'Q') return to - from;
  return /^[pP]$/.test(pattern[from + 1] ?? '') ? unicodeClass : 1;
}
