/** A regular expression of Go's (RE2's syntax, github.com/google/re2/wiki/Syntax) as one of JavaScript, or why it is none. */
export type GoRegexp = { readonly regexp: RegExp } | { readonly problem: string };

const known = new Map<string, GoRegexp>();
const atMost = 10_000;

/** Reads a pattern; the words of a problem are Go's. */
export function goRegexp(pattern: string): GoRegexp {
  let found = known.get(pattern);
  if (!found) {
    found = read(pattern);
    if (known.size >= atMost) known.clear();
    known.set(pattern, found);
  }
  return found;
}

function read(pattern: string): GoRegexp {
  try {
    return { regexp: new RegExp(new Parser(pattern).parse(), 'u') };
  } catch (error) {
    if (error instanceof Malformed) return { problem: error.message };
    throw error;
  }
}

class Malformed extends Error {
  constructor(code: string, text: string) {
    super(`error parsing regexp: ${code}: \`${text}\``);
  }
}

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly U: boolean;
}

interface Group {
  readonly flags: Flags;
  /** Where it begins in what is written. */
  readonly begin: number;
}

const perl: Readonly<Record<string, string>> = { d: '0-9', s: '\\t\\n\\f\\r ', w: '0-9A-Za-z_' };
const posix: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};
const control: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

const literal = (code: number) => `\\u{${code.toString(16)}}`;

/** A character and those that differ from it in case alone. */
function folded(code: number): number[] {
  const text = String.fromCodePoint(code);
  const all = [text, text.toLowerCase(), text.toUpperCase()].filter((each) => [...each].length === 1);
  return [...new Set(all.map((each) => each.codePointAt(0) ?? code))];
}

/** Of a range that is wider no more is folded: beyond it both cases are in the range. */
const foldedAtMost = 0x1000;

class Parser {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { i: false, m: false, s: false, U: false };

  constructor(text: string) {
    this.#text = text;
  }

  parse(): string {
    const groups: Group[] = [];
    let out = '';
    /** Where the last thing that can be repeated begins in `out`; where the last repetition began in the text. */
    let last = -1;
    let repeated = -1;
    const emit = (piece: string) => {
      last = out.length;
      out += piece;
    };
    while (this.#at < this.#text.length) {
      const start = this.#at;
      const before = repeated;
      repeated = -1;
      switch (this.#text[start]) {
        case '(': {
          const group = this.#open();
          if (group === undefined) break;
          groups.push({ flags: group.flags, begin: out.length });
          out += group.open;
          last = -1;
          break;
        }
        case ')': {
          const group = groups.pop();
          if (!group) throw new Malformed('unexpected )', this.#text);
          this.#at += 1;
          this.#flags = group.flags;
          out += ')';
          last = group.begin;
          break;
        }
        case '|':
          this.#at += 1;
          out += '|';
          last = -1;
          break;
        case '^':
          this.#at += 1;
          emit(this.#flags.m ? '(?:(?<![^\\n]))' : '(?:^)');
          break;
        case '$':
          this.#at += 1;
          emit(this.#flags.m ? '(?:(?![^\\n]))' : '(?:$)');
          break;
        case '.':
          this.#at += 1;
          emit(this.#flags.s ? '[^]' : '[^\\n]');
          break;
        case '[':
          emit(this.#class());
          break;
        case '*':
        case '+':
        case '?':
        case '{': {
          const operator = this.#repetition();
          if (operator === undefined) {
            this.#at += 1;
            emit(literal(0x7b));
            break;
          }
          if (before >= 0)
            throw new Malformed('invalid nested repetition operator', this.#text.slice(before, this.#at));
          const said = this.#text.slice(start, this.#at);
          if (last < 0) throw new Malformed('missing argument to repetition operator', said);
          out = `${out.slice(0, last)}(?:${out.slice(last)})${operator}`;
          repeated = start;
          break;
        }
        case '\\':
          for (const piece of this.#escaped()) emit(piece);
          break;
        default:
          emit(this.#character());
      }
    }
    if (groups.length > 0) throw new Malformed('missing closing )', this.#text);
    return out;
  }

  #character(): string {
    const code = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return this.#one(code);
  }

  #one(code: number): string {
    if (!this.#flags.i) return literal(code);
    return `[${folded(code).map(literal).join('')}]`;
  }

  /** A group's beginning with the flags to come back to; undefined where only flags were set. */
  #open(): { readonly open: string; readonly flags: Flags } | undefined {
    const rest = this.#text.slice(this.#at);
    const flags = this.#flags;
    if (!rest.startsWith('(?')) {
      this.#at += 1;
      return { open: '(?:', flags };
    }
    const named = /^\(\?P?</.exec(rest);
    if (named && rest.length > named[0].length) {
      const end = rest.indexOf('>');
      if (end < 0) throw new Malformed('invalid named capture', rest);
      const name = rest.slice(named[0].length, end);
      if (!/^[0-9A-Za-z_]+$/.test(name)) throw new Malformed('invalid named capture', rest.slice(0, end + 1));
      this.#at += end + 1;
      return { open: '(?:', flags };
    }
    let next: Flags = this.#flags;
    let on = true;
    let set = false;
    for (let index = 2; index < rest.length; index++) {
      const char = rest[index] ?? '';
      if (char === 'i' || char === 'm' || char === 's' || char === 'U') {
        next = { ...next, [char]: on };
        set = true;
      } else if (char === '-' && on) {
        on = false;
        set = false;
      } else if ((char === ':' || char === ')') && (on || set)) {
        this.#at += index + 1;
        this.#flags = next;
        return char === ':' ? { open: '(?:', flags } : undefined;
      } else {
        const whole = String.fromCodePoint(rest.codePointAt(index) ?? 0);
        throw new Malformed('invalid or unsupported Perl syntax', rest.slice(0, index) + whole);
      }
    }
    throw new Malformed('invalid or unsupported Perl syntax', rest);
  }

  /** A repetition in JavaScript; undefined where a brace stands for itself. */
  #repetition(): string | undefined {
    const rest = this.#text.slice(this.#at);
    const braces = /^\{(0|[1-9]\d*)(,(0|[1-9]\d*)?)?\}/.exec(rest);
    if (rest.startsWith('{') && !braces) return undefined;
    const operator = braces?.[0] ?? rest.slice(0, 1);
    if (braces) {
      const [least, most] = [Number(braces[1]), braces[3] === undefined ? -1 : Number(braces[3])];
      if (least > 1000 || most > 1000 || (most >= 0 && least > most)) {
        throw new Malformed('invalid repeat count', operator);
      }
    }
    this.#at += operator.length;
    let lazy = this.#flags.U;
    if (this.#text[this.#at] === '?') {
      this.#at += 1;
      lazy = !lazy;
    }
    return operator + (lazy ? '?' : '');
  }

  #escaped(): string[] {
    const rest = this.#text.slice(this.#at);
    const char = rest[1];
    const skip = (piece: string) => {
      this.#at += 2;
      return [piece];
    };
    if (char === 'A') return skip('(?:(?<![^]))');
    if (char === 'z') return skip('(?:(?![^]))');
    if (char === 'b') return skip('(?:\\b)');
    if (char === 'B') return skip('(?:\\B)');
    if (char === 'Q') {
      const end = rest.indexOf('\\E', 2);
      const quoted = rest.slice(2, end < 0 ? undefined : end);
      this.#at += end < 0 ? rest.length : end + 2;
      return [...quoted].map((each) => this.#one(each.codePointAt(0) ?? 0));
    }
    const several = this.#several();
    if (several !== undefined) return [several.negative ? `[^${several.set}]` : `[${several.set}]`];
    return [this.#one(this.#escape())];
  }

  /** `\d` and its like, and `\p{Greek}`. */
  #several(): { readonly set: string; readonly negative: boolean } | undefined {
    const rest = this.#text.slice(this.#at);
    const char = rest[1] ?? '';
    const set = perl[char.toLowerCase()];
    if (set !== undefined) {
      this.#at += 2;
      return { set, negative: char !== char.toLowerCase() };
    }
    const property = /^\\([pP])(?:\{(\^?)([^}]*)\}|([^{]))/u.exec(rest);
    if (!property) {
      if (char !== 'p' && char !== 'P') return undefined;
      throw new Malformed('invalid character class range', rest);
    }
    const [whole, letter, caret, long, short] = property;
    const name = long ?? short ?? '';
    const form = name === 'Any' ? 'Any' : name.length <= 2 ? name : `Script=${name}`;
    if (!isProperty(form)) throw new Malformed('invalid character class range', whole);
    this.#at += whole.length;
    return { set: `\\p{${form}}`, negative: (letter === 'P') !== (caret === '^') };
  }

  #escape(): number {
    const rest = this.#text.slice(this.#at);
    const char = rest[1];
    if (char === undefined) throw new Malformed('trailing backslash at end of expression', '');
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest);
    const code = octal
      ? Number.parseInt(octal[1] ?? '', 8)
      : hex
        ? Number.parseInt(hex[1] ?? hex[2] ?? '', 16)
        : (control[char] ?? (/[^0-9A-Za-z\u0080-\u{10ffff}]/u.test(char) ? char.charCodeAt(0) : undefined));
    if (code === undefined || code > 0x10ffff) throw new Malformed('invalid escape sequence', this.#badEscape(rest));
    this.#at += (octal ?? hex)?.[0].length ?? 2;
    return code;
  }

  #badEscape(rest: string): string {
    const hex = /^\\x(\{[0-9A-Fa-f]*.?|[^{].?|$)/su.exec(rest);
    if (hex) return hex[0];
    return `\\${String.fromCodePoint(rest.codePointAt(1) ?? 0)}`;
  }

  #class(): string {
    const start = this.#at;
    const missing = () => new Malformed('missing closing ]', this.#text.slice(start));
    this.#at += 1;
    const negative = this.#text[this.#at] === '^';
    if (negative) this.#at += 1;
    const alternatives: string[] = [];
    let set = '';
    for (let first = true; first || this.#text[this.#at] !== ']'; first = false) {
      if (this.#at >= this.#text.length) throw missing();
      const rest = this.#text.slice(this.#at);
      const named = /^\[:(\^?)(.*?):\]/s.exec(rest);
      if (named) {
        const chars = posix[named[2] ?? ''];
        if (chars === undefined) throw new Malformed('invalid character class range', named[0]);
        if (named[1] === '^') alternatives.push(`[^${chars}]`);
        else set += chars;
        this.#at += named[0].length;
        continue;
      }
      const several = rest.startsWith('\\') ? this.#several() : undefined;
      if (several) {
        if (several.negative) alternatives.push(`[^${several.set}]`);
        else set += several.set;
        continue;
      }
      set += this.#range(missing);
    }
    this.#at += 1;
    // A negative part of a positive class cannot stand in it as it is.
    const all = [...(set === '' ? [] : [`[${set}]`]), ...alternatives];
    const either = all.length === 1 ? (all[0] ?? '') : `(?:${all.join('|')})`;
    return negative ? `(?:(?!${either})[^])` : either;
  }

  #range(missing: () => Malformed): string {
    const start = this.#at;
    const low = this.#classCharacter(missing);
    let high = low;
    if (this.#text[this.#at] === '-' && this.#at + 1 < this.#text.length && this.#text[this.#at + 1] !== ']') {
      this.#at += 1;
      high = this.#classCharacter(missing);
      if (high < low) throw new Malformed('invalid character class range', this.#text.slice(start, this.#at));
    }
    let set = `${literal(low)}-${literal(high)}`;
    if (this.#flags.i) {
      for (let code = low; code <= Math.min(high, low + foldedAtMost); code++)
        set += folded(code).map(literal).join('');
    }
    return set;
  }

  #classCharacter(missing: () => Malformed): number {
    const char = this.#text[this.#at];
    if (char === undefined) throw missing();
    if (char === '\\') return this.#escape();
    const code = this.#text.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }
}

function isProperty(form: string): boolean {
  try {
    return new RegExp(`\\p{${form}}`, 'u').source !== '';
  } catch {
    return false;
  }
}
