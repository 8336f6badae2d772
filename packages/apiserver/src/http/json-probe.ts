/** What can be told of a JSON text that is known to be one, in a glance at it. */
export interface JsonProbe {
  /** How many keys all objects have together, those given twice counted twice. */
  readonly keys: number;
  readonly depth: number;
  /** Whether a number's text says more than its value. */
  readonly odd: boolean;
}

/** An integer of more digits may be another one when it has been parsed. */
export const safeDigits = 15;

/** Jumps from string to string, so that it costs a fraction of what parsing does. */
export function probeJson(text: string): JsonProbe {
  let keys = 0;
  let depth = 0;
  let deepest = 0;
  let odd = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x3a) keys++;
    else if (code === 0x7b || code === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (code === 0x7d || code === 0x5d) depth--;
    else if (code >= 0x30 && code <= 0x39) {
      const start = at;
      let next = text.charCodeAt(at + 1);
      while (next >= 0x30 && next <= 0x39) next = text.charCodeAt(++at + 1);
      // A dot or an exponent; or too long.
      if (next === 0x2e || next === 0x65 || next === 0x45 || at - start >= safeDigits) odd = true;
    }
  }
  return { keys, depth: deepest, odd };
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

/** The number of keys of all objects in a parsed JSON value. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  const waiting: object[] = [value];
  for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
    if (Array.isArray(each)) {
      for (const item of each) if (typeof item === 'object' && item !== null) waiting.push(item);
      continue;
    }
    for (const key in each) {
      count++;
      const child = (each as Readonly<Record<string, unknown>>)[key];
      if (typeof child === 'object' && child !== null) waiting.push(child);
    }
  }
  return count;
}
