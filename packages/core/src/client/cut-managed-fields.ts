const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Members deeper than this are not looked at: `{"object":{"metadata":{` opens three. */
const metadataDepth = 3;
const metadataKey = Buffer.from('metadata');
const managedFieldsKey = Buffer.from('managedFields');

/**
 * The line of a watch (`{"type":…,"object":…}`, compact JSON) without `object.metadata.managedFields`, which can be more
 * than half of it and would be parsed only to be thrown away. Works inside `line`, which is not to be used afterwards;
 * the result is the same memory. A line that it does not understand comes back as it was.
 */
export function cutManagedFields(line: Buffer): Buffer {
  const found = findManagedFields(line);
  if (!found) return line;
  let { start, end } = found;
  if (line[end] === comma) end += 1;
  else if (line[start - 1] === comma) start -= 1;
  line.copyWithin(start, end);
  return line.subarray(0, line.length - (end - start));
}

/** Where the member stands, from its key's quote to behind its value. */
function findManagedFields(line: Buffer): { readonly start: number; readonly end: number } | undefined {
  let depth = 0;
  let inMetadata = false;
  for (let at = 0; at < line.length; at += 1) {
    const byte = line[at];
    if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      // The object's own metadata has ended without them.
      if (inMetadata && depth < metadataDepth) return undefined;
    } else if (byte === quote) {
      const end = endOfString(line, at);
      if (end < 0) return undefined;
      if (line[end] === colon) {
        if (depth === metadataDepth - 1 && line[end + 1] === openBrace && isKey(line, at, end, metadataKey)) {
          inMetadata = true;
        } else if (inMetadata && depth === metadataDepth && isKey(line, at, end, managedFieldsKey)) {
          const behind = endOfValue(line, end + 1);
          return behind < 0 ? undefined : { start: at, end: behind };
        }
      }
      at = end - 1;
    }
  }
  return undefined;
}

function isKey(line: Buffer, start: number, end: number, key: Buffer): boolean {
  return end - start === key.length + 2 && line.compare(key, 0, key.length, start + 1, end - 1) === 0;
}

/** Keys and most values are shorter, and looked through sooner than a search is begun. */
const shortString = 40;

/** Behind the closing quote of the string that begins at `start`; -1 if it does not end. */
function endOfString(line: Buffer, start: number): number {
  let at = start + 1;
  for (const near = Math.min(line.length, at + shortString); at < near; at += 1) {
    const byte = line[at];
    if (byte === quote) return at + 1;
    if (byte === backslash) at += 1;
  }
  for (let end = line.indexOf(quote, at); end >= 0; end = line.indexOf(quote, end + 1)) {
    let escapes = 0;
    while (line[end - 1 - escapes] === backslash) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return -1;
}

/** Behind the list or object that begins at `start`; -1 for anything else. */
function endOfValue(line: Buffer, start: number): number {
  if (line[start] !== openBracket && line[start] !== openBrace) return -1;
  let depth = 0;
  for (let at = start; at < line.length; at += 1) {
    const byte = line[at];
    if (byte === quote) {
      const end = endOfString(line, at);
      if (end < 0) return -1;
      at = end - 1;
    } else if (byte === openBrace || byte === openBracket) depth += 1;
    else if (byte === closeBrace || byte === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}
