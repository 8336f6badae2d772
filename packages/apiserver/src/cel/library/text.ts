import { costExceeded } from './limits.ts';

/** Texts that are shorter are counted faster than they are found again. */
const shortText = 64;
/** More characters than that nothing makes of others: it would cost more than an expression may. */
const longestText = 10_000_000;

const counted = { text: '', points: 0 };
const split: { text: string; chars: readonly string[] } = { text: '', chars: [] };

/** Code points: what `size()` says. The last long text is remembered, for loops ask again and again for the same one. */
export function codePoints(text: string): number {
  if (text.length < shortText) return count(text);
  if (counted.text !== text) counted.points = count(text);
  // Also where it is equal: the very same text is found equal at once, another one only after all of it was compared.
  counted.text = text;
  return counted.points;
}

function count(text: string): number {
  let points = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
    if (isPair) points -= 1;
  }
  return points;
}

function charsOf(text: string): readonly string[] {
  if (split.text !== text) split.chars = [...text];
  split.text = text;
  return split.chars;
}

/** The code points from `start` up to `end`. */
export function slicePoints(text: string, start: number, end?: number): string {
  return codePoints(text) === text.length ? text.slice(start, end) : charsOf(text).slice(start, end).join('');
}

/** Where a code point begins in UTF-16, and back. */
export const unitOf = (text: string, point: number): number =>
  codePoints(text) === text.length ? point : slicePoints(text, 0, point).length;
export const pointOf = (text: string, unit: number): number =>
  codePoints(text) === text.length ? unit : count(text.slice(0, unit));

/** Throws where a text would be longer than anything may be. */
export function checkLength(length: number): void {
  if (length > longestText) throw costExceeded();
}
