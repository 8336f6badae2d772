import type { ReplayDifference, ReplayReport } from '@keelson/apiserver/testing';

const mostShown = 30;

/** What came of a replay, for people. */
export function replayText(report: ReplayReport): string {
  const { operator, startedAt, endedAt, recorded, replayed, differences, unplayed, dropped } = report;
  const shown = differences.slice(0, mostShown).flatMap(differenceLines);
  const left = differences.length - Math.min(differences.length, mostShown);
  const lines = [
    `${operator}, recorded from ${timeOf(startedAt)} to ${timeOf(endedAt)}: ${count(recorded, 'reconcile')} then, ${replayed} now.`,
    ...(dropped > 0 ? [`The recording lacks ${count(dropped, 'line')}: more happened than could be written.`] : []),
    differences.length === 0
      ? 'It writes what it wrote then.'
      : `It behaves otherwise in ${count(differences.length, 'place')}:`,
    ...shown,
    ...(left > 0 ? [`… and in ${left} more`] : []),
    ...(unplayed.length > 0
      ? ['What others did to what is not there now was left out:', ...unplayed.map((each) => `  ${each}`)]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

function differenceLines(difference: ReplayDifference): readonly string[] {
  const { controller, key, because, at, fields } = difference;
  return [
    `  ${controller} ${key} at ${timeOf(at)}, because ${because}:`,
    `    ${sentenceOf(difference)}`,
    ...fields.map((each) => `      ${each}`),
  ];
}

function sentenceOf({ what, recorded, replayed }: ReplayDifference): string {
  if (what === 'missing') return `then it wrote, and does not now: ${recorded}`;
  if (what === 'extra') return `now it writes, and did not then: ${replayed}`;
  if (what === 'fails') return `now it fails: ${replayed}`;
  return recorded === replayed ? `it writes something else: ${recorded}` : `then ${recorded}, now ${replayed}`;
}

const timeOf = (ms: number) => new Date(ms).toISOString();
const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
