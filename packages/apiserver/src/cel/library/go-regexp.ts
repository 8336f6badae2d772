import { RE2JS, RE2JSException } from 're2js';
import { CelError } from '../value.ts';
import { perCharacter, perPatternCharacter } from './cost-factors.ts';
import { costExceeded, greatestCallCost } from './limits.ts';
import { codePoints } from './text.ts';

/** A regular expression of Go's (RE2's syntax, github.com/google/re2/wiki/Syntax) that runs in time linear to the text. */
export interface GoPattern {
  /** Whether it is found anywhere in the text. */
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
    kept += pattern.length + keptWith;
    if (kept > keptCharacters) {
      known.clear();
      kept = pattern.length + keptWith;
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
  return found.regexp;
}

function read(pattern: string): GoRegexp {
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

/** How many characters `findAll` may look at: a thousand lines of a text of 400 kB, some seconds' work where each look goes to the end. */
const mostSteps = 400_000_000;

class LinearPattern implements GoPattern {
  readonly #compiled: RE2JS;

  constructor(compiled: RE2JS) {
    this.#compiled = compiled;
  }

  test(text: string): boolean {
    return this.#compiled.test(text);
  }

  find(text: string): string | undefined {
    const matcher = this.#compiled.matcher(text);
    return matcher.find() ? (matcher.group() ?? '') : undefined;
  }

  findAll(text: string, limit = -1): string[] {
    const found: string[] = [];
    const matcher = this.#compiled.matcher(text);
    let end = -1;
    let steps = 0;
    while (found.length !== limit && matcher.find()) {
      // Each match may have been looked for until the end of the text.
      steps += text.length;
      if (steps > mostSteps) throw costExceeded();
      const isEmptyAfterMatch = matcher.end() === end && matcher.start() === end;
      end = matcher.end();
      if (!isEmptyAfterMatch) found.push(matcher.group() ?? '');
    }
    return found;
  }
}

/**
 * Functions whose argument of that number, where it is written as a text, has to be a regular expression already when the
 * program is made: Kubernetes refuses the expression else.
 */
export const patternArguments: Readonly<Record<string, number>> = { matches: 1, find: 1, findAll: 1 };
