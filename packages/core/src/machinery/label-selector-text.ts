import {
  formatRequirement,
  type LabelOperator,
  type LabelRequirement,
  requirementErrors,
} from './label-requirement.ts';

/** The text is not a selector; the message is the API's. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

interface Token {
  readonly kind: 'identifier' | 'symbol' | 'end';
  readonly text: string;
}

const end: Token = { kind: 'end', text: '' };
const lexer = /[ \t\r\n]+|(==|!=|[(),!=<>])|([^ \t\r\n()=!,<>]+)/g;
const binaryOperators: ReadonlyMap<string, LabelOperator> = new Map(
  (['in', 'notin', '=', '==', '!=', '>', '<'] as const).map((each) => [each, each]),
);

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, symbol, identifier] of text.matchAll(lexer)) {
    if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol });
    else if (identifier !== undefined) tokens.push({ kind: 'identifier', text: identifier });
  }
  return tokens;
}

/**
 * Reads kubectl's form: `app=web,tier in (a,b),!canary,priority>5`; sorted by key. Throws `SelectorError` with the API's
 * words. Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
 */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  const parser = new Parser(tokenize(text));
  return parser.selector().sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

/** kubectl's form of conditions: what `parseLabelSelector` reads back to the same. */
export function formatRequirements(requirements: readonly LabelRequirement[]): string {
  return requirements.map(formatRequirement).join(',');
}

class Parser {
  private at = 0;
  private readonly tokens: readonly Token[];

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  private peek(): Token {
    return this.tokens[this.at] ?? end;
  }

  private next(): Token {
    return this.tokens[this.at++] ?? end;
  }

  selector(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    if (this.peek() === end) return requirements;
    this.expectStart("!, identifier, or 'end of string'");
    for (;;) {
      requirements.push(this.requirement());
      const separator = this.next();
      if (separator === end) return requirements;
      if (separator.text !== ',') {
        throw new SelectorError(`found '${separator.text}', expected: ',' or 'end of string'`);
      }
      this.expectStart("identifier after ','");
    }
  }

  private expectStart(expected: string): void {
    const token = this.peek();
    if (token.kind !== 'identifier' && token.text !== '!') {
      throw new SelectorError(`found '${token.text}', expected: ${expected}`);
    }
  }

  private requirement(): LabelRequirement {
    const negated = this.peek().text === '!';
    if (negated) this.next();
    const key = this.next();
    if (key.kind !== 'identifier') throw unable(`found '${key.text}', expected: identifier`);
    if (negated || this.peek() === end || this.peek().text === ',') {
      return checked({ key: key.text, operator: negated ? '!' : 'exists', values: [] });
    }
    const { text } = this.next();
    const operator = binaryOperators.get(text);
    if (!operator) throw unable(`found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
    const set = operator === 'in' || operator === 'notin';
    return checked({ key: key.text, operator, values: set ? this.valueSet() : [this.exactValue()] });
  }

  private exactValue(): string {
    if (this.peek() === end || this.peek().text === ',') return '';
    const value = this.next();
    if (value.kind !== 'identifier') throw unable(`found '${value.text}', expected: identifier`);
    return value.text;
  }

  private valueSet(): string[] {
    const open = this.next();
    if (open.text !== '(') throw unable(`found '${open.text}' expected: '('`);
    const values = new Set<string>();
    for (let expectsValue = true; ; ) {
      const token = this.next();
      if (token.kind === 'identifier' && expectsValue) {
        values.add(token.text);
        expectsValue = false;
      } else if (token.text === ',' || token.text === ')') {
        if (expectsValue) values.add('');
        if (token.text === ')') return [...values].sort();
        expectsValue = true;
      } else {
        throw unable(`found '${token.text}', expected: ${expectsValue ? "',', ')' or identifier" : "',' or ')'"}`);
      }
    }
  }
}

function unable(why: string): SelectorError {
  return new SelectorError(`unable to parse requirement: ${why}`);
}

function checked(requirement: LabelRequirement): LabelRequirement {
  const errors = requirementErrors(requirement);
  if (errors.length === 0) return requirement;
  throw unable(errors.length === 1 ? `${errors[0]}` : `[${errors.join(', ')}]`);
}
