import type { Expression, FieldEntry, LiteralExpression, MapEntry } from './expression.ts';
import { ExpressionBuilder } from './expression-builder.ts';
import { expecting, products, relations, reserved, starts, sums } from './grammar.ts';
import { type Token, type TokenKind, tokens } from './lexer.ts';
import { bytesLiteral, doubleLiteral, intLiteral, type Literal, stringLiteral, uintLiteral } from './literals.ts';
import type { Macro } from './macro.ts';
import { macroKey, macroTable } from './macro-table.ts';
import type { CelIssue } from './source.ts';
import { Stop, TokenReader } from './token-reader.ts';

export interface ParseOptions {
  readonly macros: readonly Macro[];
  /** `a.?b`, `a[?b]`, `[?a]`, `{?a: b}`; without it they are mistakes. */
  readonly optionalSyntax?: boolean;
  /** Names in backticks after a dot; Kubernetes has them not. */
  readonly escapedNames?: boolean;
  /** How deep rules of the grammar may stand within themselves; 250 without it. */
  readonly maxDepth?: number;
  /** Code points; 100,000 without it. */
  readonly maxSize?: number;
}

export type Parsed =
  | { readonly expression: Expression; readonly issues?: undefined }
  | { readonly issues: readonly CelIssue[] };

/** Parses a text of CEL (cel-spec, "Syntax"), with macros expanded. */
export function parse(text: string, options: ParseOptions): Parsed {
  const { maxSize = 100_000 } = options;
  const size = text.length > maxSize ? [...text].length : text.length;
  if (size > maxSize) {
    return {
      issues: [{ offset: -1, message: `expression code point size exceeds limit: size: ${size}, limit ${maxSize}` }],
    };
  }
  const read = tokens(text);
  const issues: CelIssue[] = [...read.errors];
  const parser = new Parser(read.tokens, issues, options);
  try {
    const expression = parser.start();
    if (issues.length === 0) return { expression };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  }
  return { issues };
}

type Rule = 'expression' | 'relation' | 'calculation';

class Parser extends TokenReader {
  readonly #options: ParseOptions;
  readonly #build: ExpressionBuilder;
  readonly #macros: ReadonlyMap<string, Macro>;
  readonly #maxDepth: number;
  /** How deep each rule stands within itself, as the real parser counts: chains of one operator are no depth. */
  readonly #depths = { expression: 0, relation: 0, calculation: 0 };

  constructor(read: readonly Token[], issues: CelIssue[], options: ParseOptions) {
    super(read, issues);
    this.#options = options;
    this.#build = new ExpressionBuilder(issues);
    this.#macros = macroTable(options.macros);
    this.#maxDepth = options.maxDepth ?? 250;
  }

  start(): Expression {
    const expression = this.#expression();
    const token = this.token;
    if (token.kind !== 'end') {
      this.fail(token, this.after.kind === 'end' ? 'extraneous' : 'mismatched', ['end']);
    }
    return expression;
  }

  /** Runs a rule one level deeper. */
  #within<T>(rule: Rule, run: () => T): T {
    this.#depths[rule] += 1;
    if (this.#depths[rule] > this.#maxDepth) this.#tooDeep(`expression recursion limit exceeded: ${this.#maxDepth}`);
    const result = run();
    this.#depths[rule] -= 1;
    return result;
  }

  #tooDeep(message: string): never {
    this.issues.length = 0;
    this.issues.push({ offset: -1, message });
    throw new Stop();
  }

  /** A chain such as `a + b + c` or `a.b.c` is a tree as deep as it is long. */
  #chained(length: number): void {
    if (length + this.#depths.expression - 1 > this.#maxDepth) this.#tooDeep('max recursion depth exceeded');
  }

  #expression(also: readonly TokenKind[] = []): Expression {
    return this.#within('expression', () => {
      if (!starts.has(this.token.kind)) this.skipToStart(also);
      const condition = this.#logical('||');
      const mark = this.take('?');
      if (!mark) return condition;
      this.closers.push(':');
      const yes = this.#logical('||');
      this.closers.pop();
      this.colon();
      return this.#build.call(mark.offset, '_?_:_', [condition, yes, this.#expression()]);
    });
  }

  #logical(operator: '||' | '&&'): Expression {
    const operand = () => (operator === '||' ? this.#logical('&&') : this.#relation());
    const first = operand();
    if (this.token.kind !== operator) return first;
    const terms = [first];
    const offsets: number[] = [];
    for (let mark = this.take(operator); mark; mark = this.take(operator)) {
      offsets.push(mark.offset);
      terms.push(operand());
    }
    return this.#balanced(`_${operator}_`, terms, offsets, 0, offsets.length - 1);
  }

  /** A tree as flat as can be, so that a thousand terms are no thousand levels. */
  #balanced(
    name: string,
    terms: readonly Expression[],
    offsets: readonly number[],
    low: number,
    high: number,
  ): Expression {
    const middle = Math.floor((low + high + 1) / 2);
    const side = (from: number, to: number, term: number): Expression =>
      from > to ? (terms[term] ?? this.#missing()) : this.#balanced(name, terms, offsets, from, to);
    const left = side(low, middle - 1, middle);
    const right = side(middle + 1, high, middle + 1);
    return this.#build.call(offsets[middle] ?? 0, name, [left, right]);
  }

  #missing(): never {
    throw new Stop();
  }

  #relation(): Expression {
    return this.#within('relation', () =>
      this.#leftToRight('relation', relations, () => this.#within('calculation', () => this.#sum())),
    );
  }

  #sum(): Expression {
    return this.#leftToRight('calculation', sums, () => this.#product());
  }

  #product(): Expression {
    return this.#leftToRight('calculation', products, () => this.#unary());
  }

  #leftToRight(
    rule: 'relation' | 'calculation',
    names: ReadonlyMap<TokenKind, string>,
    operand: () => Expression,
  ): Expression {
    let left = operand();
    let length = 0;
    for (let name = names.get(this.token.kind); name !== undefined; name = names.get(this.token.kind)) {
      length += 1;
      this.#chained(length);
      const { offset } = this.next();
      left = this.#build.call(offset, name, [left, this.#within(rule, operand)]);
    }
    return left;
  }

  #unary(): Expression {
    const token = this.token;
    if (token.kind === '!') return this.#repeated('!', '!_', token.offset);
    if (token.kind === '-') {
      const number = this.after.kind;
      if (number !== 'int' && number !== 'double') return this.#repeated('-', '-_', token.offset);
    }
    return this.#member();
  }

  #repeated(mark: '!' | '-', name: string, offset: number): Expression {
    let count = 0;
    while (this.take(mark)) count += 1;
    const next = this.token;
    if (mark === '!' && next.kind === 'end') this.fail(next, 'extraneous', starts);
    if (mark === '-' && (!starts.has(next.kind) || next.kind === '!')) {
      const between = this.spaced ? ' ' : '';
      const text = next.kind === 'end' ? '-' : `-${between}${next.text}`;
      this.tell(next.offset, `no viable alternative at input '${text}'`);
      if (next.kind === '!') throw new Stop();
    }
    const operand = this.#member();
    return count % 2 === 0 ? operand : this.#build.call(offset, name, [operand]);
  }

  #member(): Expression {
    let value = this.#primary();
    for (let length = 1; ; length++) {
      const token = this.token;
      if (token.kind === '.') value = this.#dot(value, this.next());
      else if (token.kind === '[') value = this.#index(value, this.next());
      else return value;
      this.#chained(length);
    }
  }

  #dot(operand: Expression, dot: Token): Expression {
    const mark = this.take('?');
    const name = this.token;
    if (name.kind !== 'identifier' && name.kind !== 'escaped') {
      const text = name.kind === 'end' ? '.' : `.${name.text}`;
      if (mark) this.fail(name, 'mismatched', ['identifier', 'escaped']);
      this.tell(name.offset, `no viable alternative at input '${text}'`);
      this.recover();
      return operand;
    }
    this.next();
    if (!mark && name.kind === 'identifier' && this.token.kind === '(') {
      const open = this.next();
      return this.#call(open.offset, name.text, this.#args(), operand);
    }
    const field = this.#fieldName(name);
    if (!mark) return this.#build.select(dot.offset, operand, field);
    const text: Expression = { kind: 'literal', ...this.#build.node(name.offset), value: field };
    return this.#optional(dot.offset, '_?._', [operand, text], '.?');
  }

  #optional(offset: number, name: string, args: readonly Expression[], text: string): Expression {
    if (!this.#options.optionalSyntax) this.issues.push({ offset, message: `unsupported syntax '${text}'` });
    return this.#build.call(offset, name, args);
  }

  #fieldName(token: Token): string {
    if (token.kind === 'identifier') return token.text;
    if (!this.#options.escapedNames) this.issues.push({ offset: token.offset, message: "unsupported syntax: '`'" });
    return token.text.slice(1, -1);
  }

  #index(operand: Expression, open: Token): Expression {
    const mark = this.take('?');
    const index = this.inside([']'], () => this.#expression(mark ? [] : ['?']));
    this.close(']');
    const args = [operand, index];
    return mark ? this.#optional(open.offset, '_[?_]', args, '[?') : this.#build.call(open.offset, '_[_]', args);
  }

  #args(): readonly Expression[] {
    if (this.take(')')) return [];
    const args = this.inside([')', ','], () => {
      if (!starts.has(this.token.kind)) this.skipToStart([')']);
      if (this.token.kind === ')') return [];
      const found = [this.#expression()];
      while (this.take(',')) found.push(this.#expression());
      return found;
    });
    this.close(')');
    return args;
  }

  #call(offset: number, name: string, args: readonly Expression[], target?: Expression): Expression {
    const macro = this.#macros.get(macroKey(name, args.length, target !== undefined));
    if (macro) {
      const expanded = macro.expand(this.#build.at(offset), args, target ?? { ...absent, offset });
      if (expanded) {
        const call = this.#build.call(offset, name, args, target);
        return expanded === target || args.includes(expanded) ? expanded : { ...expanded, macro: call };
      }
    }
    return this.#build.call(offset, name, args, target);
  }

  #primary(): Expression {
    if (!starts.has(this.token.kind) || this.token.kind === '!') this.skipToStart();
    if (!starts.has(this.token.kind)) return { ...absent, offset: this.token.offset };
    const token = this.next();
    switch (token.kind) {
      case '(': {
        const inner = this.inside([')'], () => this.#expression());
        this.close(')');
        return inner;
      }
      case '[':
        return this.inside([']', ','], () => this.#list(token));
      case '{':
        return this.#build.map(
          token.offset,
          this.inside(['}', ',', ':'], () => this.#entries()),
        );
      case '.':
      case 'identifier':
        return this.#named(token);
      case '-':
        return this.#negative(token);
      default:
        return this.#literal(token, token.text);
    }
  }

  #negative(minus: Token): Expression {
    const { kind } = this.token;
    if (kind === 'int' || kind === 'double') {
      const number = this.next();
      return this.#literal({ ...number, offset: minus.offset }, `-${number.text}`);
    }
    this.tell(this.token.offset, `no viable alternative at input '-'`);
    return this.fail(this.token, kind === 'end' ? 'mismatched' : 'extraneous', starts);
  }

  #literal({ kind, offset }: Token, text: string): LiteralExpression {
    const value =
      kind === 'true' ? true : kind === 'false' ? false : kind === 'null' ? null : this.#parsed(kind, text, offset);
    return { kind: 'literal', ...this.#build.node(offset), value };
  }

  #parsed(kind: TokenKind, text: string, offset: number): Literal {
    const value = readLiteral(kind, text);
    if (value !== undefined) return value;
    const message =
      kind === 'string'
        ? 'invalid unicode code point'
        : kind === 'bytes'
          ? 'unable to unescape string'
          : `invalid ${kind} literal`;
    this.issues.push({ offset, message });
    return '';
  }

  #list(open: Token): Expression {
    const elements: Expression[] = [];
    const optional = new Set<number>();
    this.#skipToFirst(']');
    while (this.token.kind !== ']' && this.token.kind !== ',') {
      if (this.#optionalMark()) optional.add(elements.length);
      elements.push(this.#expression());
      if (!this.take(',')) break;
    }
    if (elements.length === 0) this.take(',');
    this.#closeLiteral(']');
    return this.#build.list(open.offset, elements, optional);
  }

  /** Passes over what can be no first element of a literal. */
  #skipToFirst(closing: ']' | '}'): void {
    const { kind } = this.token;
    if (!starts.has(kind) && kind !== closing && kind !== ',' && kind !== '?') this.skipToStart([closing, ',', '?']);
  }

  #optionalMark(): boolean {
    const mark = this.take('?');
    if (mark && !this.#options.optionalSyntax) {
      this.issues.push({ offset: mark.offset, message: "unsupported syntax '?'" });
    }
    return mark !== undefined;
  }

  #closeLiteral(kind: ']' | '}'): void {
    if (this.take(kind)) return;
    const last = this.tokens[this.at - 1];
    const expected: TokenKind[] = last?.kind === ',' ? [kind] : [kind, ','];
    if (this.after.kind === kind && !(kind === ']' && this.token.kind === ',')) {
      this.tell(this.token.offset, `extraneous input '${this.token.text}' expecting ${expecting(expected)}`);
      this.at += 2;
      return;
    }
    this.fail(this.token, 'mismatched', expected);
  }

  #entries(): readonly MapEntry[] {
    const entries: MapEntry[] = [];
    this.#skipToFirst('}');
    while (this.token.kind !== '}' && this.token.kind !== ',') {
      const optional = this.#optionalMark();
      const key = this.#expression();
      const colon = this.colon();
      const value = this.#expression();
      entries.push({ ...this.#build.node(colon.offset), key, value, optional });
      if (!this.take(',')) break;
    }
    if (entries.length === 0) this.take(',');
    this.#closeLiteral('}');
    return entries;
  }

  /** A name, a call of a function, or a literal with fields. */
  #named(first: Token): Expression {
    const token = first.kind === '.' ? this.next() : first;
    const dot = first.kind === '.' ? '.' : '';
    if (token.kind !== 'identifier') {
      this.tell(token.offset, `no viable alternative at input '.${token.kind === 'end' ? '' : token.text}'`);
      this.recover();
      return { ...absent, offset: token.offset };
    }
    const structure = this.#structure(dot + token.text);
    if (structure) return structure;
    if (reserved.has(token.text)) {
      this.issues.push({ offset: token.offset, message: `reserved identifier: ${token.text}` });
    }
    const open = this.take('(');
    if (open) return this.#call(open.offset, dot + token.text, this.#args());
    return { kind: 'identifier', ...this.#build.node(token.offset), name: dot + token.text };
  }

  /** `a.b.C{…}`, where that is what follows the first name. */
  #structure(first: string): Expression | undefined {
    let at = this.at;
    let name = first;
    while (this.tokens[at]?.kind === '.' && this.tokens[at + 1]?.kind === 'identifier') {
      name += `.${this.tokens[at + 1]?.text}`;
      at += 2;
    }
    const open = this.tokens[at];
    if (open?.kind !== '{') return undefined;
    this.at = at + 1;
    const entries: FieldEntry[] = [];
    while (this.token.kind !== '}' && this.token.kind !== ',') {
      const optional = this.#optionalMark();
      const field = this.token;
      if (field.kind !== 'identifier' && field.kind !== 'escaped') {
        this.fail(field, 'mismatched', ['}', ',', '?', 'identifier', 'escaped']);
      }
      this.next();
      const colon = this.colon();
      const value = this.#expression();
      entries.push({ ...this.#build.node(colon.offset), field: this.#fieldName(field), value, optional });
      if (!this.take(',')) break;
    }
    if (entries.length === 0) this.take(',');
    this.#closeLiteral('}');
    return this.#build.struct(open.offset, name, entries);
  }
}

const absent = { kind: 'literal', id: 0, value: null } as const;

function readLiteral(kind: TokenKind, text: string): Literal | undefined {
  if (kind === 'int') return intLiteral(text);
  if (kind === 'uint') return uintLiteral(text);
  if (kind === 'double') return doubleLiteral(text);
  return kind === 'bytes' ? bytesLiteral(text) : stringLiteral(text);
}
