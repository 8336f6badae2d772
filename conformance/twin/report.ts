import type { Step } from './case.ts';
import type { Difference } from './diff.ts';
import type { Group } from './groups.ts';
import type { Json } from './json.ts';
import { type MeantDifference, meantDifferences } from './meant-differences.ts';

export interface Report {
  readonly seed: string;
  /** Cases by kind. */
  readonly cases: Map<string, number>;
  readonly groups: Map<string, Group>;
  /** Sorts of differences that did not show in a second run: how often, and in which case first. */
  readonly unstable: Map<string, { readonly count: number; readonly number: number }>;
  readonly meant: Map<MeantDifference, number>;
  /** Cases with a stable difference. */
  differing: number;
}

/** @param found how many sorts are not known as open */
export function printReport(report: Report, shown: readonly Group[], found: number): void {
  for (const [index, group] of shown.entries()) console.log(`\n${describe(group, index + 1)}`);
  const total = [...report.cases.values()].reduce((sum, each) => sum + each, 0);
  console.log('\ncases a kind:');
  const byKind = [...report.cases].sort(([a], [b]) => a.localeCompare(b));
  const bad = new Map<string, number>();
  for (const { kinds } of report.groups.values())
    for (const kind of kinds.keys()) bad.set(kind, (bad.get(kind) ?? 0) + 1);
  for (const [kind, count] of byKind) {
    const sorts = bad.get(kind);
    console.log(`  ${String(count).padStart(6)}  ${kind}${sorts ? `  ${sorts} sorts of differences` : ''}`);
  }
  if (report.unstable.size > 0) {
    console.log('\nseen once and not again (timing):');
    const unstable = [...report.unstable].sort(([, a], [, b]) => b.count - a.count);
    for (const [key, { count, number }] of unstable.slice(0, 15))
      console.log(`  ${String(count).padStart(6)}  ${key} (case ${number})`);
  }
  if (report.meant.size > 0) console.log('\nmeant:');
  for (const [{ reason }, count] of report.meant) console.log(`  ${String(count).padStart(6)}  ${reason}`);
  const idle = meantDifferences.filter((each) => !report.meant.has(each));
  if (total >= 5000) for (const { reason, path } of idle) console.log(`  matched nothing: ${path} (${reason})`);
  const unseen = found - shown.length;
  const known = report.groups.size - found;
  console.log(
    `\n${report.groups.size} sorts of unexplained differences in ${report.differing} of ${total} cases, seed ${report.seed}${unseen > 0 ? ` (${unseen} sorts not shown; --groups ${found})` : ''}${known > 0 ? `; ${known} sorts are known as open` : ''}`,
  );
}

/** A group for a person: how often, the requests, what the two sides said. */
export function describe(group: Group, index: number): string {
  const { example, difference, count, number, kinds, scenarios } = group;
  const top = (map: ReadonlyMap<string, number>, most: number) => {
    const all = [...map].sort(([, a], [, b]) => b - a);
    const rest = all.length > most ? `, and ${all.length - most} more` : '';
    return (
      all
        .slice(0, most)
        .map(([name, n]) => `${name} ${n}`)
        .join(', ') + rest
    );
  };
  const lines = [
    `── ${index}. ${count} ${count === 1 ? 'case' : 'cases'}: ${difference.path}`,
    `   kinds: ${top(kinds, 6)}; scenarios: ${top(scenarios, 4)}; case ${number}`,
  ];
  for (const [at, step] of example.steps.entries())
    lines.push(`   ${at === difference.step ? '▶' : ' '} ${stepText(step)}`);
  lines.push(...differenceLines(difference));
  const others = group.all.filter((each) => each !== difference);
  for (const each of others.slice(0, 3))
    lines.push(`     also ${each.path}: ${short(each.expected, 80)} ⇒ ${short(each.got, 80)}`);
  return lines.join('\n');
}

export function stepText({
  id,
  method,
  path,
  query,
  headers,
  json,
  text,
  from,
  bytes,
  watch,
  waitMs,
  until,
}: Step): string {
  const search = Object.entries(query ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
  const parts = [
    `${id ? `${id}: ` : ''}${waitMs ? `(after ${waitMs} ms) ` : ''}${watch ? 'WATCH' : method} ${path}${search ? `?${search}` : ''}`,
  ];
  if (until !== undefined) parts.push(`(until it says ${until})`);
  for (const [name, value] of Object.entries(headers ?? {})) parts.push(`[${name}: ${value}]`);
  if (json !== undefined) parts.push(short(json, 2000));
  if (text !== undefined) parts.push(text.length > 1500 ? `${text.slice(0, 1500)}… (${text.length} characters)` : text);
  if (from) parts.push(`answer of ${from.step} merged with ${short(from.merge, 1000)}`);
  if (bytes)
    parts.push(`the bytes of ${bytes.step}${bytes.cut || bytes.without ? `, cut ${JSON.stringify(bytes)}` : ''}`);
  // What a terminal or grep would stumble over.
  return parts.join(' ').replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => JSON.stringify(char).slice(1, -1));
}

function differenceLines({ path, expected, got }: Difference): string[] {
  return [`     at ${path}`, `       expected ${short(expected, 1200)}`, `       got      ${short(got, 1200)}`];
}

function short(value: Json | undefined, most: number): string {
  if (value === undefined) return '(absent)';
  const text = JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most)}… (${text.length} characters)` : text;
}
