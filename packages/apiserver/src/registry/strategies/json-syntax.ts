/** What Go's JSON decoder says of a text that is no JSON; undefined if it is. */
export function jsonSyntaxError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return findError(text);
  }
}

function findError(text: string): string {
  const end = 'unexpected end of JSON input';
  const start = text.search(/[^ \t\r\n]/);
  if (start < 0) return end;
  const first = text[start] ?? '';
  const rest = text.slice(start + 1).trimStart();
  if (first === '{') {
    if (rest === '') return end;
    if (rest[0] !== '"') return `invalid character ${quoted(rest[0])} looking for beginning of object key string`;
  }
  if (!/[[{"\-0-9tfn]/.test(first)) return `invalid character ${quoted(first)} looking for beginning of value`;
  return tail(text) ?? end;
}

/** Where a value ends well and something follows it. */
function tail(text: string): string | undefined {
  for (let at = text.length - 1; at > 0; at--) {
    try {
      JSON.parse(text.slice(0, at));
    } catch {
      continue;
    }
    const next = text.slice(at).trimStart()[0];
    return next === undefined ? undefined : `invalid character ${quoted(next)} after top-level value`;
  }
  return undefined;
}

function quoted(char = ''): string {
  if (char === "'") return "'\\''";
  if (char === '"') return "'\"'";
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}
