/** Reads times as Go's `time.Parse` does with Kubernetes' two layouts, and tells what is wrong in its words. */

const canonicalSeconds = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/;

const layouts = { seconds: '2006-01-02T15:04:05Z07:00', micros: '2006-01-02T15:04:05.000000Z07:00' } as const;

interface Element {
  readonly pattern: RegExp;
  /** What it is called in errors. */
  readonly name: string;
  readonly range?: readonly [number, number, string];
}

const fixed = (text: string): Element => ({ pattern: new RegExp(`^${text}`), name: text });
const head: readonly Element[] = [
  { pattern: /^\d{4}/, name: '2006' },
  fixed('-'),
  { pattern: /^\d\d/, name: '01', range: [1, 12, 'month'] },
  fixed('-'),
  { pattern: /^\d\d/, name: '02', range: [0, 99, 'day'] },
  fixed('T'),
  // Go takes an hour of one digit.
  { pattern: /^\d\d?/, name: '15', range: [0, 23, 'hour'] },
  fixed(':'),
  { pattern: /^\d\d/, name: '04', range: [0, 59, 'minute'] },
  fixed(':'),
  { pattern: /^\d\d/, name: '05', range: [0, 59, 'second'] },
];
const zone: Element = { pattern: /^(?:Z|[+-]\d\d:\d\d)/, name: 'Z07:00' };
const elements: Readonly<Record<'seconds' | 'micros', readonly Element[]>> = {
  // A fraction may follow seconds that the layout gives without one.
  seconds: [...head, { pattern: /^(?:[.,]\d+)?/, name: '' }, zone],
  micros: [...head, { pattern: /^[.,]\d{6}/, name: '.000000' }, zone],
};

/** The time in UTC in its canonical text, or what is wrong with it. */
export function parseTime(value: string, precision: 'seconds' | 'micros'): string | { readonly problem: string } {
  if (precision === 'seconds' && isPlain(value)) return value;
  const found: string[] = [];
  let rest = value;
  for (const { pattern, name, range } of elements[precision]) {
    const match = pattern.exec(rest)?.[0];
    if (match === undefined)
      return { problem: `parsing time "${value}" as "${layouts[precision]}": cannot parse "${rest}" as "${name}"` };
    if (range && (Number(match) < range[0] || Number(match) > range[1]))
      return { problem: `parsing time "${value}": ${range[2]} out of range` };
    found.push(match);
    rest = rest.slice(match.length);
  }
  if (rest !== '') return { problem: `parsing time "${value}": extra text: "${rest}"` };
  const [year = '', , month = '', , day = '', , hour = '', , minute = '', , second = '', fraction = '', offset = ''] =
    found;
  if (Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month)))
    return { problem: `parsing time "${value}": day out of range` };
  if (offset !== 'Z') {
    if (Number(offset.slice(1, 3)) > 24)
      return { problem: `parsing time "${value}": time zone offset hour out of range` };
    if (Number(offset.slice(4)) > 60)
      return { problem: `parsing time "${value}": time zone offset minute out of range` };
  }
  const minutes =
    offset === 'Z' ? 0 : Number(`${offset[0]}1`) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  // Days before the year 100 need the long way: Date.UTC takes them for the last century's.
  const date = new Date(Date.parse(`${year}-${month}-${day}T00:00:00Z`));
  date.setUTCHours(Number(hour), Number(minute) - minutes, Number(second));
  const text = isoSeconds(date);
  return precision === 'seconds' ? `${text}Z` : `${text}.${fraction.slice(1).padEnd(6, '0')}Z`;
}

/** Whole seconds in UTC that exist: what nearly every client sends. */
function isPlain(value: string): boolean {
  const match = canonicalSeconds.exec(value);
  if (!match) return false;
  const [, year, month, day, hour, minute, second] = match.map(Number);
  if (year === undefined || month === undefined || day === undefined) return false;
  return (
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    day <= daysIn(year, month) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60
  );
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Years have four digits in Kubernetes' texts; one beyond them cannot be told. */
function isoSeconds(date: Date): string {
  const text = date.toISOString();
  return text.startsWith('+') || text.startsWith('-') ? text.slice(0, 22) : text.slice(0, 19);
}
