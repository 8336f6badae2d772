import { RE2JS, RE2JSException } from 're2js';
import { CelError } from '../value.ts';
import { perCharacter, perPatternCharacter } from './cost-factors.ts';
import { costExceeded, greatestCallCost } from './limits.ts';
import { LinearSearch } from './linear-search.ts';
import { patternSize } from './pattern-size.ts';
import { PatternWorkError, patternWork } from './pattern-work.ts';
import { codePoints } from './text.ts';

/** A regular expression of Go's (RE2's syntax, github.com/google/re2/wiki/Syntax) that runs in time linear to the text. */
export interface GoPattern {
  /** Whether it is found anywhere in the text. This and the others throw `PatternWorkError`. */
  test(text: string): boolean;
  /** The leftmost match; undefined where there is none. */
  find(text: string): string | undefined;
  /** The matches from left to right that do not overlap, `limit` of them at most where it is not negative. */
  findAll(text: string, limit?: number): string[];
}

export type GoRegexp = { readonly regexp: GoPattern } | { readonly problem: string };

const known = new Map<string, GoRegexp>();
/** Patterns that are kept may have so many characters together: what is made of them takes many times as much. */
const keptCharacters = 2_000_000;
/** What a pattern takes besides its characters, in characters. */
const keptWith = 100;
let kept = 0;

/** Reads a pattern; the words of a problem are Go's. */
export function goRegexp(pattern: string): GoRegexp {
  let found = known.get(pattern);
  if (!found) {
    found = read(pattern);
    const size = Math.max(pattern.length, patternSize(pattern).instructions) + keptWith;
    kept += size;
    if (kept > keptCharacters) {
      known.clear();
      kept = size;
    }
    known.set(pattern, found);
  }
  return found;
}

/** Cost of looking for a pattern in a text: it may take as many steps as both have characters, multiplied. */
export const matchingCost = (text: string, pattern: string): number =>
  Math.ceil((codePoints(text) + 1) * perCharacter) * Math.ceil(codePoints(pattern) * perPatternCharacter);

/**
 * The pattern to look for in a text. Throws a `CelError` in the words of Go; and where it would cost more than a call
 * may, before it is done and not after.
 */
export function patternFor(text: string, pattern: string): GoPattern {
  if (matchingCost(text, pattern) > greatestCallCost) throw costExceeded();
  const found = goRegexp(pattern);
  if ('problem' in found) throw new CelError(found.problem);
  const { regexp } = found;
  return {
    test: (each) => inBounds(() => regexp.test(each)),
    find: (each) => inBounds(() => regexp.find(each)),
    findAll: (each, limit) => inBounds(() => regexp.findAll(each, limit)),
  };
}

/** What takes too long costs too much. */
function inBounds<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    throw error instanceof PatternWorkError ? costExceeded() : error;
  }
}

/** Of how many instructions a pattern may be at most, about: more take a tenth of a second to read. Go's limit is three million. */
const largestPattern = 10_000;
const shownOfPattern = 100;
/** What is repeated more often than this is refused by the library, in other words, before it is written out. */
const mostRepetitions = 1000;
const shortPattern = 1000;

function isTooLarge(pattern: string): boolean {
  const { instructions, repetition } = patternSize(pattern);
  return instructions > largestPattern && !(repetition > mostRepetitions && pattern.length <= shortPattern);
}

function read(pattern: string): GoRegexp {
  if (isTooLarge(pattern)) {
    return { problem: `error parsing regexp: expression too large: \`${pattern.slice(0, shownOfPattern)}…\`` };
  }
  try {
    return { regexp: new LinearPattern(compile(pattern)) };
  } catch (error) {
    if (error instanceof RE2JSException) return { problem: inGosWords(error.message) };
    throw error;
  }
}

const duplicateName = 'duplicate capture group name';

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    // Go lets two groups have one name.
    if (error instanceof RE2JSException && error.message.includes(duplicateName)) {
      return RE2JS.compile(withoutNames(pattern));
    }
    throw error;
  }
}

/** `\Q…\E`, an escape, a class, or the beginning of a named group. */
const piece = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]|\(\?P?<\w+>/gs;

function withoutNames(pattern: string): string {
  return pattern.replace(piece, (text) => (text.startsWith('(?') ? '(' : text));
}

const trailingBackslash = 'error parsing regexp: trailing backslash at end of expression';

function inGosWords(message: string): string {
  return message === trailingBackslash ? `${message}: \`\`` : message;
}

/** Of so many instructions at most a pattern is looked for by an automaton, which is fast, if it can be of few states. */
const fewInstructions = 32;
/** Steps that a character takes an automaton, at the worst. */
const perCharacterOfFew = 1;

class LinearPattern implements GoPattern {
  readonly #compiled: RE2JS;
  readonly #search: LinearSearch;

  constructor(compiled: RE2JS) {
    this.#compiled = compiled;
    this.#search = new LinearSearch(compiled);
  }

  test(text: string): boolean {
    if (this.#search.size > fewInstructions) return this.#search.test(text, patternWork);
    this.#take(text.length * perCharacterOfFew);
    return this.#compiled.test(text);
  }

  find(text: string): string | undefined {
    this.#takeLook(text.length);
    const matcher = this.#compiled.matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : undefined;
  }

  findAll(text: string, limit = -1): string[] {
    const found: string[] = [];
    const matcher = this.#compiled.matcher(text);
    let end = -1;
    this.#takeLook(text.length);
    while (found.length !== limit && matcher.find()) {
      // Each match may have been looked for until the end of the text.
      this.#take(text.length / charactersPerStep);
      const isEmptyAfterMatch = matcher.end() === end && matcher.start() === end;
      end = matcher.end();
      if (!isEmptyAfterMatch) found.push(matcher.group() ?? '');
    }
    return found;
  }

  /** What is found has to be told, too, which no automaton does. */
  #takeLook(length: number): void {
    this.#take((length * this.#search.size) / 4);
  }

  #take(steps: number): void {
    if (!patternWork.take(steps)) throw new PatternWorkError('to look for the pattern takes too long');
  }
}

/** Of a text that is looked at for one match after the other. */
const charactersPerStep = 16;

/**
 * Functions whose argument of that number, where it is written as a text, has to be a regular expression already when the
 * program is made: Kubernetes refuses the expression else.
 */
export const patternArguments: Readonly<Record<string, number>> = { matches: 1, find: 1, findAll: 1 };
