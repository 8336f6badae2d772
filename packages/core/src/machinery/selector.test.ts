import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatFieldSelector, matchesFields, parseFieldSelector } from './field-selector.ts';
import { formatLabelSelector, labelSelectorMatches, matchesLabels } from './label-selector.ts';
import { parseLabelSelector } from './label-selector-text.ts';
import { validateLabelSelector } from './label-selector-validation.ts';

/** What a v1.35 API server said to each text. */
const complaints: Record<string, string> = {
  'a in b': "unable to parse requirement: found 'b' expected: '('",
  '!a=b': "found '=', expected: ',' or 'end of string'",
  '=b': "found '=', expected: !, identifier, or 'end of string'",
  'a<x':
    "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer",
  'a>': "unable to parse requirement: values[0]: Invalid value: \"\": for 'Gt', 'Lt' operators, the value must be an integer",
  'a in (b': "unable to parse requirement: found '', expected: ',' or ')'",
  'a notin': "unable to parse requirement: found '' expected: '('",
  ',': "found ',', expected: !, identifier, or 'end of string'",
  'a,,b': "found ',', expected: identifier after ','",
  'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
  '-a': `unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
  'a=-b': `unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
  'a=b c': "found 'c', expected: ',' or 'end of string'",
  'a!b': "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt",
  '(a)': "found '(', expected: !, identifier, or 'end of string'",
  'a===b': "unable to parse requirement: found '=', expected: identifier",
  'a=b,': "found '', expected: identifier after ','",
  '!': "unable to parse requirement: found '', expected: identifier",
  'a=!b': "unable to parse requirement: found '!', expected: identifier",
  'a "b"': `unable to parse requirement: found '"b"', expected: in, notin, =, ==, !=, gt, lt`,
};

const key = fc.constantFrom('app', 'tier', 'in', 'notin', 'example.com/Name', 'A_b.c');
const value = fc.constantFrom('', 'web', 'db', '1', '2', '30', 'in', 'a_b');
const requirement = fc.oneof(
  fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
  fc
    .tuple(key, fc.constantFrom('in', 'notin'), fc.array(value, { minLength: 1, maxLength: 3 }))
    .map(([k, op, v]) => `${k} ${op} (${v.join(',')})`),
  key,
  key.map((each) => `!${each}`),
  fc.tuple(key, fc.constantFrom('>', '<'), fc.nat(50)).map((parts) => parts.join('')),
);
const selectorText = fc.array(requirement, { maxLength: 4 }).map((each) => each.join(','));
const labels = fc.dictionary(key, value);

describe('label selectors', () => {
  it.each(Object.entries(complaints))('refuses %s', (text, message) =>
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ message })));

  it.each(['', ' ', 'a in ()', 'a in (,b)', 'a=,b', 'in in (in)', 'in', 'a = b', 'a>1,b<2'])('takes %j', (text) =>
    expect(() => parseLabelSelector(text)).not.toThrow());

  it('means the same after being formatted and read again', () => {
    fc.assert(
      fc.property(selectorText, labels, (text, each) => {
        const parsed = parseLabelSelector(text);
        const again = parseLabelSelector(formatLabelSelector(parsed));
        expect(again).toEqual(parsed);
        expect(matchesLabels(again, each)).toBe(matchesLabels(parsed, each));
      }),
    );
  });

  it('lets an object select what its text selects', () => {
    const object = fc.record({
      matchLabels: fc.dictionary(key, value),
      matchExpressions: fc.array(
        fc.oneof(
          fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(value, { minLength: 1 }) }),
          fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
        ),
        { maxLength: 3 },
      ),
    });
    fc.assert(
      fc.property(object, labels, (selector, each) => {
        const text = formatLabelSelector(selector);
        expect(labelSelectorMatches(selector, each)).toBe(matchesLabels(parseLabelSelector(text), each));
      }),
    );
  });

  it('selects nothing when absent and everything when empty', () => {
    expect(labelSelectorMatches(undefined, {})).toBe(false);
    expect(labelSelectorMatches({}, undefined)).toBe(true);
    expect(matchesLabels({ app: 'web' }, { app: 'web', x: 'y' })).toBe(true);
    expect(matchesLabels({ constructor: 'x' }, {})).toBe(false);
  });

  it('finds what is wrong with an object', () => {
    const errors = validateLabelSelector(
      {
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'a', operator: 'Exists', values: ['b'] },
          { key: 'a', operator: 'Foo' },
        ],
      },
      'spec.selector',
    );
    expect(errors.map((each) => `${each.field}: ${each.message}`)).toEqual([
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Foo": not a valid selector operator',
    ]);
  });
});

describe('field selectors', () => {
  it('reads back what it wrote, whatever the value', () => {
    const each = fc.record({
      field: fc.constantFrom('metadata.name', 'spec.nodeName'),
      operator: fc.constantFrom('=' as const, '!=' as const),
      value: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(each), (requirements) => {
        expect(parseFieldSelector(formatFieldSelector(requirements))).toEqual(requirements);
      }),
    );
  });

  it.each([
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['metadata.name=a=b', 'invalid field selector: unescaped character in value: 61'],
    ['metadata.name=a\\x', 'invalid field selector: invalid escape sequence: \\x'],
    ['metadata.name=a\\', 'invalid field selector: invalid escape sequence: \\'],
  ])('refuses %s', (text, message) =>
    expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ message })));

  it('compares fields', () => {
    const fields: Record<string, string> = { 'spec.nodeName': 'n1' };
    const matches = (text: string) => matchesFields(parseFieldSelector(text), (field) => fields[field]);
    expect([
      matches('spec.nodeName=n1'),
      matches('spec.nodeName!=n1'),
      matches('status.phase='),
      matches(',,'),
    ]).toEqual([true, false, true, true]);
  });
});
