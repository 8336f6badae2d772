import { describe, expect, it } from 'vitest';
import {
  durationSeconds,
  type Ledger,
  type LedgerEntry,
  ledgerText,
  parseLedger,
  parseTests,
  quickTests,
  regressions,
  updated,
} from './ledger.ts';
import { resultsInLog } from './run-suite.ts';

const tests = [
  { class: 'api-only', name: 'b' },
  { class: 'api-only', name: 'a [Serial]' },
  { class: 'controllers+pods', name: 'c' },
];
const passed = (seconds: number): LedgerEntry => ({ state: 'passed', seconds });
const failed: LedgerEntry = { state: 'failed', seconds: 1 };

describe('the ledger', () => {
  it('names every test, sorted, and reads back what it wrote', () => {
    const ledger: Ledger = new Map([
      ['b', passed(1.25)],
      ['c', failed],
    ]);
    const text = ledgerText(tests, ledger);
    expect(text.split('\n')).toEqual([
      'class\tstate\tseconds\ttest',
      'api-only\tnot run\t\ta [Serial]',
      'api-only\tpassed\t1.3\tb',
      'controllers+pods\tfailed\t1.0\tc',
      '',
    ]);
    expect(ledgerText(tests, parseLedger(text))).toBe(text);
  });

  it('refuses a line that is none', () => expect(() => parseLedger('head\nx\tmaybe\t\ty')).toThrow(/not a line/));

  it('keeps passed when a test fails that passed before, unless told to', () => {
    const before: Ledger = new Map([
      ['b', passed(1)],
      ['c', failed],
    ]);
    const seen: Ledger = new Map([
      ['b', failed],
      ['c', passed(2)],
    ]);
    expect(regressions(before, seen)).toEqual(['b']);
    expect(updated(before, seen, false)).toEqual(
      new Map([
        ['b', passed(1)],
        ['c', passed(2)],
      ]),
    );
    expect(updated(before, new Map([['b', passed(2.5)]]), false).get('b')).toEqual(passed(1));
    expect(updated(before, new Map([['b', passed(9)]]), false).get('b')).toEqual(passed(9));
    expect(updated(before, seen, true).get('b')).toEqual(failed);
  });

  it('counts serial tests alone and the others side by side when it fills the budget', () => {
    const ledger: Ledger = new Map([
      ['b', passed(20)],
      ['a [Serial]', passed(30)],
      ['c', passed(61)],
    ]);
    const names = (budgetSeconds: number) =>
      quickTests(tests, ledger, { budgetSeconds, procs: 4 }).map(({ name }) => name);
    expect(names(7)).toEqual(['b']);
    expect(names(45)).toEqual(['b', 'a [Serial]']);
  });

  it('reads the fixed list by its heading', () =>
    expect(parseTests('sig\tclass\tspec\nx\tapi-only\ty\n')).toEqual([{ class: 'api-only', name: 'y' }]));

  it('reads durations', () => {
    expect([durationSeconds('8m'), durationSeconds('1h30m'), durationSeconds('90s'), durationSeconds('5')]).toEqual([
      480, 5400, 90, 5,
    ]);
    expect(() => durationSeconds('soon')).toThrow(/no duration/);
  });
});

it('reads the log of a suite that was cut off', () => {
  const log = [
    '• [FAILED] [150.250 seconds]',
    '[sig-x] Collector [It] should  not [Conformance] [sig-x, Conformance]',
    'file.go:1',
    '• [2.000 seconds]',
    '[sig-x] Collector should work [Conformance] [sig-x, Conformance]',
    '• [3.000 seconds]',
    '[sig-x] Nothing that was asked for [sig-x]',
  ].join('\n');
  const named = (name: string) => ({ class: 'api-only', name });
  const chosen = [
    named('[sig-x] Collector should  not [Conformance]'),
    named('[sig-x] Collector should work [Conformance]'),
  ];
  expect([...resultsInLog(log, chosen).values()]).toEqual([
    { state: 'failed', seconds: 150.25 },
    { state: 'passed', seconds: 2 },
  ]);
});
