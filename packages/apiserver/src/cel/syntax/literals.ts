import { CelUint } from '../value.ts';

export type Literal = bigint | CelUint | number | string | Uint8Array;

const smallestInt = -(2n ** 63n);
const greatestInt = 2n ** 63n - 1n;
const greatestUint = 2n ** 64n - 1n;

/** Undefined where the number has more than 64 bits. */
export function intLiteral(text: string): bigint | undefined {
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return value >= smallestInt && value <= greatestInt ? value : undefined;
}

export function uintLiteral(text: string): CelUint | undefined {
  const value = BigInt(text.slice(0, -1));
  return value <= greatestUint ? new CelUint(value) : undefined;
}

/** Undefined where it is greater than any double. */
export function doubleLiteral(text: string): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

interface Content {
  readonly raw: boolean;
  readonly text: string;
}

function content(token: string): Content {
  const raw = token.startsWith('r') || token.startsWith('R');
  const body = raw ? token.slice(1) : token;
  const width = body.length >= 6 && (body.startsWith('"""') || body.startsWith("'''")) ? 3 : 1;
  const text = body.slice(width, -width).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
  return { raw, text };
}

const escapes = /\\(?:([xX])([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))/gs;

/** The value of a string token with its quotes; undefined where an escape is no code point. */
export function stringLiteral(token: string): string | undefined {
  const { raw, text } = content(token);
  if (raw || !text.includes('\\')) return text;
  let valid = true;
  const value = text.replace(escapes, (_, _x, hex, short, long, octal, other) => {
    const digits = hex ?? short ?? long;
    if (digits === undefined && octal === undefined) return simple[other] ?? other;
    const code = digits === undefined ? Number.parseInt(octal, 8) : Number.parseInt(digits, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) valid = false;
    return valid ? String.fromCodePoint(code) : '';
  });
  return valid ? value : undefined;
}

const encoder = new TextEncoder();

/** The value of a bytes token: `\x` and octal escapes are bytes, everything else is UTF-8; `\u` is not allowed. */
export function bytesLiteral(token: string): Uint8Array | undefined {
  const { raw, text } = content(token.slice(1));
  if (raw || !text.includes('\\')) return encoder.encode(text);
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const match of text.matchAll(escapes)) {
    const [whole, , hex, short, long, octal, other] = match;
    if (short !== undefined || long !== undefined) return undefined;
    parts.push(encoder.encode(text.slice(last, match.index)));
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) parts.push(Uint8Array.of(Number.parseInt(octal, 8)));
    else parts.push(encoder.encode(simple[other ?? ''] ?? other ?? ''));
    last = match.index + whole.length;
  }
  parts.push(encoder.encode(text.slice(last)));
  return Uint8Array.from(Buffer.concat(parts));
}
