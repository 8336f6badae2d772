/** What a token is: its own text for punctuation and keywords. */
export type TokenKind =
  | 'identifier'
  | 'escaped'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'end'
  | (typeof marks)[number]
  | (typeof keywords)[number];

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** UTF-16 units from the start. */
  readonly offset: number;
}

export interface LexerError {
  readonly offset: number;
  readonly message: string;
}

const keywords = ['in', 'true', 'false', 'null'] as const;
const marks = [
  '==', '!=', '<=', '>=', '&&', '||', '<', '>', '[', ']', '{', '}', '(', ')', '.', ',', '-', '!', '?', ':', '+', '*',
  '/', '%',
] as const; // biome-ignore format: a table

const isKeyword = (text: string): text is (typeof keywords)[number] => keywords.some((each) => each === text);
const isMark = (text: string): text is (typeof marks)[number] => marks.some((each) => each === text);

const escapes = String.raw`\\(?:[abfnrtv"'\\?${'`'}]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})`;
const quoted = String.raw`"""(?:${escapes}|[^\\])*?"""|'''(?:${escapes}|[^\\])*?'''|"(?:${escapes}|[^\\"\n\r])*"|'(?:${escapes}|[^\\'\n\r])*'`;
const raw = String.raw`[rR](?:"""[^]*?"""|'''[^]*?'''|"[^"\n\r]*"|'[^'\n\r]*')`;
const token = new RegExp(
  [
    String.raw`(?<blank>(?:[\t\f\r\n ]|//[^\n]*)+)`,
    `(?<bytes>[bB](?:${raw}|${quoted}))`,
    `(?<string>${raw}|${quoted})`,
    String.raw`(?<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)`,
    '(?<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])',
    '(?<int>0x[0-9a-fA-F]+|[0-9]+)',
    '(?<word>[A-Za-z_][A-Za-z0-9_]*)',
    '(?<escaped>`[A-Za-z0-9_./ -]+`)',
    String.raw`(?<mark>==|!=|<=|>=|&&|\|\||[<>[\]{}().,!?:+*/%-])`,
  ].join('|'),
  'y',
);

/** More errors than these are not looked for: each costs a look at the rest of the text. */
const mostErrors = 100;

/** Splits a text into tokens; the last one is `end`. */
export function tokens(text: string): { readonly tokens: readonly Token[]; readonly errors: readonly LexerError[] } {
  const found: Token[] = [];
  const errors: LexerError[] = [];
  let offset = 0;
  while (offset < text.length && errors.length < mostErrors) {
    token.lastIndex = offset;
    const match = token.exec(text);
    if (!match?.groups) {
      const length = unknown(text, offset);
      const bad = text.slice(offset, offset + length);
      errors.push({ offset, message: `Syntax error: token recognition error at: '${bad}'` });
      offset += length;
      continue;
    }
    const kind = kindOf(match.groups);
    if (kind !== undefined) found.push({ kind, text: match[0], offset });
    offset += match[0].length;
  }
  found.push({ kind: 'end', text: '<EOF>', offset: text.length });
  return { tokens: found, errors };
}

function kindOf(groups: Readonly<Record<string, string | undefined>>): TokenKind | undefined {
  const { word, mark } = groups;
  if (word !== undefined) return isKeyword(word) ? word : 'identifier';
  if (mark !== undefined) return isMark(mark) ? mark : undefined;
  for (const kind of ['int', 'string', 'double', 'uint', 'bytes', 'escaped'] as const) {
    if (groups[kind] !== undefined) return kind;
  }
  return undefined;
}

/** The beginning of an escape. */
const brokenEscape = /\\(?:[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7}|[0-3][0-7]?)?/y;

/** How much is told of as one unknown token: the rest of the line for a string without an end. */
function unknown(text: string, offset: number): number {
  const first = text[offset];
  if (first === '"' || first === "'") return stringUntilMistake(text, offset);
  const code = text.codePointAt(offset) ?? 0;
  if (first === '`') return 1 + (/^[A-Za-z0-9_./ -]*/.exec(text.slice(offset + 1))?.[0].length ?? 0);
  if ((first === '&' || first === '|' || first === '=') && offset + 1 < text.length) {
    const next = text.codePointAt(offset + 1) ?? 0;
    return 1 + (next > 0xffff ? 2 : 1);
  }
  return code > 0xffff ? 2 : 1;
}

/** The text up to the character at which no string could go on, that one too. */
function stringUntilMistake(text: string, offset: number): number {
  const part = new RegExp(`(?:${escapes}|[^\\\\\\n\\r])*`, 'y');
  part.lastIndex = offset + 1;
  const length = part.exec(text)?.[0].length ?? 0;
  brokenEscape.lastIndex = offset + 1 + length;
  const broken = brokenEscape.exec(text)?.[0].length ?? 0;
  return Math.min(text.length - offset, 1 + length + broken + 1);
}
