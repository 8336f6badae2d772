import { deepestJson } from '@keelson/core/machinery';
import { goQuote } from '../registry/strategy.ts';
import { safeDigits } from './json-probe.ts';

/** A text is no JSON; `message` is worded as clients of Kubernetes know it. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

interface Frame {
  readonly array: boolean;
  readonly keys: Set<string>;
  key: string;
  index: number;
}

const none: ReadonlySet<string> = new Set();
const whitespace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const noNumbers: ReadonlyMap<string, string> = new Map();

export interface JsonScan {
  /** Paths of keys given twice, such as `spec.containers[0].name`. */
  readonly duplicates: readonly string[];
  /** Paths in the order in which they first appear. */
  readonly order: readonly string[];
  /** By path, the numbers whose text says more than their value: `1.0`, `1e3`, long ones. */
  readonly numbers: ReadonlyMap<string, string>;
  /** Where the keys that an object has already stand in the text, with their quotes: start and end. */
  readonly repeats: readonly (readonly [number, number])[];
}

/**
 * Reads a JSON text (RFC 8259) without building it: checks its syntax and depth, and finds keys given twice in one
 * object, as paths such as `spec.containers[0].name`. Throws `JsonSyntaxError`. Iterative: no depth overflows the stack.
 * Of the paths in `named` it also gives the order in which they first appear, among the duplicates.
 */
export function scanJson(text: string, named: ReadonlySet<string> = none): JsonScan {
  const frames: Frame[] = [];
  const duplicates = new Set<string>();
  const order = new Set<string>();
  let numbers: Map<string, string> | undefined;
  const repeats: [number, number][] = [];
  let at = 0;

  const skip = () => {
    while (at < text.length && whitespace.has(text.charCodeAt(at))) at++;
  };
  const fail = (where: string): never => {
    if (at >= text.length) throw new JsonSyntaxError('unexpected end of JSON input');
    throw new JsonSyntaxError(`invalid character ${quoted(String.fromCodePoint(text.codePointAt(at) ?? 0))} ${where}`);
  };
  const string = (): string => {
    const start = at++;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw new JsonSyntaxError('unexpected end of JSON input');
      if (code === 0x22) break;
      if (code < 0x20) fail('in string literal');
      if (code === 0x5c) {
        at++;
        if (text[at] === 'u') {
          for (let digit = 0; digit < 4; digit++) {
            at++;
            if (!/[0-9a-fA-F]/.test(text.charAt(at))) fail('in \\u hexadecimal character escape');
          }
        } else if (!'"\\/bfnrt'.includes(text.charAt(at)) || at >= text.length) fail('in string escape code');
      }
      at++;
    }
    at++;
    return text.slice(start, at);
  };
  const scalar = () => {
    const character = text.charAt(at);
    if (character === '"') return void string();
    if (character === '-' || (character >= '0' && character <= '9')) {
      number.lastIndex = at;
      const found = number.exec(text);
      if (!found) {
        at++;
        return fail('in numeric literal');
      }
      at = number.lastIndex;
      const digits = found[0];
      if (digits.length > safeDigits || /[.eE]/.test(digits)) {
        numbers ??= new Map();
        numbers.set(pathOf(frames), digits);
      }
      return;
    }
    for (const literal of ['true', 'false', 'null']) {
      if (literal[0] !== character) continue;
      for (let index = 1; index < literal.length; index++) {
        at++;
        if (text[at] !== literal[index]) fail(`in literal ${literal} (expecting ${quoted(literal[index] ?? '')})`);
      }
      at++;
      return;
    }
    fail('looking for beginning of value');
  };
  /** After `{` or `,`: the key and its colon. */
  const key = (frame: Frame) => {
    skip();
    if (text[at] !== '"') fail('looking for beginning of object key string');
    const start = at;
    const raw = string();
    const name = raw.includes('\\') ? String(JSON.parse(raw)) : raw.slice(1, -1);
    frame.key = name;
    if (named.size > 0 && named.has(pathOf(frames))) order.add(pathOf(frames));
    if (frame.keys.has(name)) {
      duplicates.add(pathOf(frames));
      repeats.push([start, at]);
      order.add(pathOf(frames));
    }
    frame.keys.add(name);
    skip();
    if (text[at] !== ':') fail('after object key');
    at++;
  };

  for (;;) {
    skip();
    const character = text[at];
    if (character === '{' || character === '[') {
      if (frames.length >= deepestJson) fail('exceeded max depth');
      at++;
      const frame: Frame = { array: character === '[', keys: new Set(), key: '', index: 0 };
      skip();
      const close = frame.array ? ']' : '}';
      if (text[at] === close) at++;
      else {
        frames.push(frame);
        if (!frame.array) key(frame);
        continue;
      }
    } else scalar();

    // A value has ended: close what closes with it, then go on with the next one.
    for (;;) {
      skip();
      const frame = frames.at(-1);
      if (!frame) {
        if (at < text.length) fail('after top-level value');
        return { duplicates: [...duplicates], order: [...order], numbers: numbers ?? noNumbers, repeats };
      }
      if (text[at] === ',') {
        at++;
        if (frame.array) frame.index++;
        else key(frame);
        break;
      }
      if (text[at] !== (frame.array ? ']' : '}'))
        fail(frame.array ? 'after array element' : 'after object key:value pair');
      at++;
      frames.pop();
    }
  }
}

function pathOf(frames: readonly Frame[]): string {
  let path = '';
  for (const frame of frames) path += frame.array ? `[${frame.index}]` : path === '' ? frame.key : `.${frame.key}`;
  return path;
}

/** As Go shows a byte: of a character that takes several the first alone, as the one with that number. */
function quoted(character: string): string {
  if (character === "'") return `'\\''`;
  if (character === '"') return `'"'`;
  const [byte = 0] = Buffer.from(character);
  return `'${goQuote(String.fromCharCode(byte)).slice(1, -1)}'`;
}
