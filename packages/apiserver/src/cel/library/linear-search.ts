import type { RE2JS } from 're2js';
import { z } from 'zod';
import { type PatternWork, PatternWorkError } from './pattern-work.ts';

/** Instructions of a compiled program of RE2, by their numbers there. */
const op = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  match: 6,
  nop: 7,
  rune: 8,
  any: 10,
  notNewline: 11,
} as const;

interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(rune: number): boolean;
}

const Program = z.object({
  inst: z.array(
    z.custom<Instruction>(
      (value) => z.object({ op: z.number(), out: z.number(), arg: z.number() }).safeParse(value).success,
    ),
  ),
  start: z.number(),
});

const beginText = 4;
/** Steps are told of so often. */
const stepsAtOnce = 4096;

const isWord = (rune: number) =>
  (rune >= 48 && rune <= 57) || (rune >= 65 && rune <= 90) || rune === 95 || (rune >= 97 && rune <= 122);

/** What holds between two characters, as flags of RE2; -1 stands for no character. */
function between(before: number, after: number): number {
  let flags = isWord(before) === isWord(after) ? 32 : 16;
  if (before < 0) flags |= 4 | 1;
  else if (before === 10) flags |= 1;
  if (after < 0) flags |= 8 | 2;
  else if (after === 10) flags |= 2;
  return flags;
}

/**
 * Looks for a pattern by going along all its alternatives at once: Thompson's simulation
 * (swtch.com/~rsc/regexp/regexp1.html). What it takes is counted, and it can be given up; an automaton that is made on the
 * way is faster for most patterns, and for some ten times slower than this.
 */
export class LinearSearch {
  readonly #instructions: readonly Instruction[];
  readonly #start: number;
  /** By instruction: the place in the text where it was reached last, and one more. */
  readonly #reached: Float64Array;
  readonly #stack: number[] = [];

  constructor(compiled: RE2JS) {
    const { inst, start } = Program.parse(compiled.re2Input.prog);
    this.#instructions = inst;
    this.#start = start;
    this.#reached = new Float64Array(inst.length);
  }

  get size(): number {
    return this.#instructions.length;
  }

  /** Whether it is found anywhere. Throws `PatternWorkError`. */
  test(text: string, work: PatternWork): boolean {
    this.#reached.fill(0);
    const isBound = this.#isBoundToStart();
    const targets: number[] = [];
    const runes: number[] = [];
    let steps = 0;
    let before = -1;
    for (let at = 0, turn = 1; ; turn++) {
      const after = text.codePointAt(at) ?? -1;
      const flags = between(before, after);
      runes.length = 0;
      if (!isBound || at === 0) targets.push(this.#start);
      if (targets.length === 0) return false;
      for (const target of targets) {
        const taken = this.#follow(target, turn, flags, runes);
        if (taken < 0) return true;
        steps += taken;
      }
      if (steps > stepsAtOnce) {
        if (!work.take(steps)) throw new PatternWorkError('to look for the pattern takes too long');
        steps = 0;
      }
      if (after < 0) return false;
      targets.length = 0;
      for (const each of runes) {
        const instruction = this.#instructions[each];
        if (instruction && matches(instruction, after)) targets.push(instruction.out);
      }
      steps += runes.length;
      before = after;
      at += after > 0xffff ? 2 : 1;
    }
  }

  /** Whether a match can begin only where the text does. */
  #isBoundToStart(): boolean {
    const first = this.#instructions[this.#start];
    return first?.op === op.emptyWidth && (first.arg & beginText) !== 0;
  }

  /** Collects what waits for a character; -1: it matches already, else how many steps it took. */
  #follow(from: number, turn: number, flags: number, runes: number[]): number {
    const stack = this.#stack;
    stack.length = 0;
    stack.push(from);
    let steps = 0;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const instruction = this.#instructions[at];
      steps++;
      if (!instruction || this.#reached[at] === turn) continue;
      this.#reached[at] = turn;
      const { op: kind, out, arg } = instruction;
      if (kind === op.match) return -1;
      if (kind === op.alt || kind === op.altMatch) stack.push(arg, out);
      else if (kind === op.capture || kind === op.nop) stack.push(out);
      else if (kind === op.emptyWidth) {
        if ((arg & ~flags) === 0) stack.push(out);
      } else if (kind >= op.rune && kind <= op.notNewline) runes.push(at);
    }
    return steps;
  }
}

function matches(instruction: Instruction, rune: number): boolean {
  if (instruction.op === op.notNewline) return rune !== 10;
  return instruction.op === op.any || instruction.matchRune(rune);
}
