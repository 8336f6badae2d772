import type { TokenKind } from './lexer.ts';

/** Words that are no names. */
export const reserved = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

/** Operators of one level with the names of their functions. */
export const relations: ReadonlyMap<TokenKind, string> = new Map([
  ['<', '_<_'],
  ['<=', '_<=_'],
  ['>=', '_>=_'],
  ['>', '_>_'],
  ['==', '_==_'],
  ['!=', '_!=_'],
  ['in', '@in'],
]);
export const sums: ReadonlyMap<TokenKind, string> = new Map([
  ['+', '_+_'],
  ['-', '_-_'],
]);
export const products: ReadonlyMap<TokenKind, string> = new Map([
  ['*', '_*_'],
  ['/', '_/_'],
  ['%', '_%_'],
]);

/** In the order in which the real parser tells what it expected. */
const order: readonly string[] = [
  "'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'", "'!'", "'?'", "':'", "'true'", "'false'", "'null'",
  'NUM_FLOAT', 'NUM_INT', 'NUM_UINT', 'STRING', 'BYTES', 'IDENTIFIER', 'ESC_IDENTIFIER',
]; // biome-ignore format: a table
/** What an expression begins with. */
export const starts: ReadonlySet<TokenKind> = new Set([
  '[', '{', '(', '.', '-', '!', 'true', 'false', 'null', 'double', 'int', 'uint', 'string', 'bytes', 'identifier',
]); // biome-ignore format: a table
const names: Partial<Record<TokenKind, string>> = {
  double: 'NUM_FLOAT',
  int: 'NUM_INT',
  uint: 'NUM_UINT',
  string: 'STRING',
  bytes: 'BYTES',
  identifier: 'IDENTIFIER',
  escaped: 'ESC_IDENTIFIER',
  end: '<EOF>',
};

export const nameOf = (kind: TokenKind): string => names[kind] ?? `'${kind}'`;

/** As the real parser tells what it expected. */
export function expecting(kinds: Iterable<TokenKind>): string {
  const all = [...kinds].map(nameOf);
  if (all.length === 1) return all[0] ?? '';
  return `{${all.sort((a, b) => order.indexOf(a) - order.indexOf(b)).join(', ')}}`;
}

/** What goes on with an expression, or ends it, wherever it stands. */
export const operators: ReadonlySet<TokenKind> = new Set([
  'end', '==', '!=', '<=', '>=', '&&', '||', '<', '>', '[', '.', '-', '?', '+', '*', '/', '%', 'in',
]); // biome-ignore format: a table
