import { expecting, nameOf, operators, starts } from './grammar.ts';
import type { Token, TokenKind } from './lexer.ts';
import type { CelIssue } from './source.ts';

/** Nothing more can be said after a mistake. */
export class Stop {}

const endToken: Token = { kind: 'end', text: '<EOF>', offset: 0 };

/** Goes through tokens, and gets over mistakes as the real parser does. */
export class TokenReader {
  protected readonly tokens: readonly Token[];
  protected readonly issues: CelIssue[];
  protected at = 0;
  /** After a mistake nothing is told until a token fits again. */
  protected recovering = false;
  /** What closes the brackets around. */
  protected readonly closers: TokenKind[] = [];

  constructor(tokens: readonly Token[], issues: CelIssue[]) {
    this.tokens = tokens;
    this.issues = issues;
  }

  protected get token(): Token {
    return this.tokens[this.at] ?? endToken;
  }

  /** Whether something stands between the last token and the next one. */
  protected get spaced(): boolean {
    const last = this.tokens[this.at - 1];
    return last !== undefined && last.offset + last.text.length < this.token.offset;
  }

  protected get after(): Token {
    return this.tokens[this.at + 1] ?? endToken;
  }

  protected next(): Token {
    const token = this.token;
    this.recovering = false;
    if (token.kind !== 'end') this.at += 1;
    return token;
  }

  /** The next token where it is of that kind. */
  protected take(kind: TokenKind): Token | undefined {
    return this.token.kind === kind ? this.next() : undefined;
  }

  protected fail(token: Token, how: 'mismatched' | 'extraneous', expected: Iterable<TokenKind>): never {
    this.tell(token.offset, `${how} input '${token.text}' expecting ${expecting(expected)}`);
    throw new Stop();
  }

  protected tell(offset: number, message: string): void {
    if (this.recovering) return;
    this.issues.push({ offset, message: `Syntax error: ${message}` });
  }

  /** A closing bracket; one that is merely missing, or has one token too many before it, is told of and passed over. */
  protected close(kind: ')' | ']'): void {
    if (this.take(kind)) return;
    const token = this.token;
    if (this.after.kind === kind) {
      this.tell(token.offset, `extraneous input '${token.text}' expecting ${nameOf(kind)}`);
      this.at += 2;
      return;
    }
    if (!operators.has(token.kind) && !this.closers.includes(token.kind)) this.fail(token, 'mismatched', [kind]);
    this.tell(token.offset, `missing ${nameOf(kind)} at '${token.text}'`);
  }

  /** At a token that starts no expression: passes over it where the next one does, or else to what may follow one. */
  protected skipToStart(also: readonly TokenKind[] = []): void {
    const token = this.token;
    const expected = expecting([...starts, ...also]);
    const next = this.after.kind;
    if (token.kind !== 'end' && (starts.has(next) || also.includes(next))) {
      this.tell(token.offset, `extraneous input '${token.text}' expecting ${expected}`);
      this.at += 1;
    } else {
      this.tell(token.offset, `mismatched input '${token.text}' expecting ${expected}`);
      this.recover();
    }
  }

  protected recover(): void {
    this.recovering = true;
    while (!operators.has(this.token.kind) && !this.closers.includes(this.token.kind)) this.at += 1;
  }

  /** Runs a rule whose mistakes end at one of these tokens at the latest. */
  protected inside<T>(closers: readonly TokenKind[], run: () => T): T {
    this.closers.push(...closers);
    const result = run();
    this.closers.length -= closers.length;
    return result;
  }

  /** A colon; one that is merely missing, or has one token too many before it, is told of and passed over. */
  protected colon(): Token {
    const taken = this.take(':');
    const token = this.token;
    if (taken) return taken;
    if (this.after.kind === ':') {
      this.tell(token.offset, `extraneous input '${token.text}' expecting ':'`);
      this.at += 2;
    } else if (starts.has(token.kind)) this.tell(token.offset, `missing ':' at '${token.text}'`);
    else this.fail(token, 'mismatched', [':']);
    return token;
  }
}
