/** Something that is wrong with a text, and where. */
export interface CelIssue {
  /** UTF-16 units from the start of the text; -1 for what stands nowhere. */
  readonly offset: number;
  readonly message: string;
}

/** Mistakes beyond these are only counted. */
const mostShown = 100;

/** As the real server shows mistakes: each with its line and a mark below the place, in the order of places. */
export function showIssues(text: string, issues: readonly CelIssue[]): string {
  const sorted = issues.slice(0, mostShown).sort((a, b) => a.offset - b.offset);
  const shown = sorted.map((issue) => showIssue(text, issue));
  const more = issues.length - sorted.length;
  return [...shown, ...(more > 0 ? [`${more} more errors were truncated`] : [])].join('\n');
}

function showIssue(text: string, { offset, message }: CelIssue): string {
  if (offset < 0) return `ERROR: <input>:-1:0: ${message}`;
  if (text === '') return `ERROR: <input>:1:0: ${message}`;
  const before = text.slice(0, offset);
  const start = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const end = text.indexOf('\n', start);
  const snippet = text.slice(start, end < 0 ? undefined : end).replaceAll('\t', ' ');
  const ahead = [...before.slice(start)];
  const dots = ahead.map((each) => (isWide(each) ? '．' : '.')).join('');
  const at = String.fromCodePoint(text.codePointAt(offset) ?? 32);
  const head = `ERROR: <input>:${line}:${ahead.length + 1}: ${message}`;
  return `${head}\n | ${snippet}\n | ${dots}${isWide(at) ? '＾' : '^'}`;
}

const isWide = (character: string): boolean => (character.codePointAt(0) ?? 0) > 127;
