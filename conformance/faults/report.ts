import { wrongKeys } from './contract.ts';
import type { FaultResult, SubjectResult } from './run-faults.ts';

type Column = readonly [string, (result: SubjectResult) => string];

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1];

const columns: readonly Column[] = [
  ['events told', ({ told }) => String(told)],
  ['keys lost', ({ lost, failedCalms }) => (lost === 0 ? '0' : `${lost} (${failedCalms} rests)`)],
  ['wrong at the end', ({ last }) => String(wrongKeys(last))],
  ['out of order', ({ outOfOrder }) => String(outOfOrder)],
  ['deletions unseen', ({ unseenDeletions }) => String(unseenDeletions)],
  ['restarts by its user', ({ restarts }) => String(restarts)],
  [
    'recovery: half, longest',
    ({ recoveryMs }) =>
      recoveryMs.length === 0 ? 'never' : `${seconds(middle(recoveryMs) ?? 0)}, ${seconds(Math.max(...recoveryMs))}`,
  ],
  ['memory', ({ memory }) => `${(memory / 2 ** 20).toFixed(0)} MiB`],
  ['longest block', ({ longestBlockMs }) => `${longestBlockMs.toFixed(0)} ms`],
];

/** The watch layers side by side, for a terminal. */
export function table(result: FaultResult, nameOf: (name: string) => string): string {
  const rows = [
    ['', ...columns.map(([title]) => title)],
    ...result.subjects.map((each) => [
      nameOf(each.name),
      ...columns.map(([, show]) => (each.ended ? '–' : show(each))),
    ]),
  ];
  // A row a figure and a column a watch layer: there are more figures.
  const turned = (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? ''));
  const widths = rows.map((row) => Math.max(...row.map((cell) => cell.length)));
  const lines = turned.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const ends = result.subjects.flatMap((each) => (each.ended ? [`${nameOf(each.name)}: ${each.ended}`] : []));
  const { faults } = result;
  const all = Object.values(faults).reduce((sum, each) => sum + each, 0);
  const kinds = Object.entries(faults).map(([name, count]) => `${name} ${count}`);
  return [
    `${result.events} events, ${all} faults in ${seconds(result.tookMs)}: ${kinds.join(', ')}`,
    '',
    ...lines,
    ...ends,
  ].join('\n');
}
