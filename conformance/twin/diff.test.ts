import { describe, expect, it } from 'vitest';
import type { TwinCase } from './case.ts';
import { diffAnswers, equal } from './diff.ts';
import { groupKey } from './groups.ts';
import type { Json } from './json.ts';
import { meantBy } from './meant.ts';
import type { Answer } from './normalise.ts';

const answer = (body: Json, status = 200, headers = {}): Answer => ({ status, headers, body });
const refusal = (...causes: Json[]) =>
  answer({ kind: 'Status', reason: 'Invalid', message: `all of ${JSON.stringify(causes)}`, details: { causes } }, 422);
const cause = (field: string, message: string): Json => ({ reason: 'FieldValueInvalid', field, message });

describe('diffAnswers', () => {
  it('is silent about what is equal', () => expect(diffAnswers(0, answer({ a: [1] }), answer({ a: [1] }))).toEqual([]));

  it('says only that one side refused', () => {
    const found = diffAnswers(2, answer({ a: 1 }), refusal(cause('a', 'no')));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ step: 2, path: 'status', expected: '200' });
  });

  it('finds what is missing, more, and other, by path', () => {
    const found = diffAnswers(
      0,
      answer({ a: { b: 1 }, c: [{ d: 1 }, { d: 2 }] }),
      answer({ a: {}, c: [{ d: 1 }], e: null }),
    );
    expect(found.map(({ path, expected, got }) => [path, expected, got])).toEqual([
      ['body.a.b', 1, undefined],
      ['body.c[1]', { d: 2 }, undefined],
      ['body.e', undefined, null],
    ]);
  });

  it('compares causes as a set by field, and their order when nothing else differs', () => {
    const [a, b, c] = [cause('a', 'x'), cause('b', 'x'), cause('b', 'y')];
    expect(diffAnswers(0, refusal(a, b), refusal(a, c))).toEqual([
      { step: 0, path: 'body.details.causes[*]', expected: b, got: c },
    ]);
    expect(diffAnswers(0, refusal(a, b), refusal(b, a)).map(({ path }) => path)).toEqual([
      'body.details.causes (order)',
    ]);
  });

  it('knows which causes the real server tells in an order by chance', () => {
    const why = 'Forbidden: must populate the given metric source only';
    const [a, b] = [cause('spec.metrics[0].pods', why), cause('spec.metrics[0].object', why)];
    const [c, d] = [cause('spec.template.labels', 'x'), cause('spec.template.labels', 'y')];
    const fixed = cause('spec', 'z');
    expect(diffAnswers(0, refusal(a, b, fixed, c, d), refusal(b, a, fixed, d, c))).toEqual([]);
    expect(diffAnswers(0, refusal(a, fixed, b), refusal(b, fixed, a))).toHaveLength(1);
  });

  it('knows that schemas are walked in an order by chance, and what they are of', () => {
    const at = 'spec.validation.openAPIV3Schema';
    const [a, b] = [cause(`${at}.properties[a].type`, 'x'), cause(`${at}.properties[b].items.type`, 'x')];
    const root = cause(`${at}.type`, 'x');
    expect(diffAnswers(0, refusal(root, a, b), refusal(root, b, a))).toEqual([]);
    expect(diffAnswers(0, refusal(root, a), refusal(a, root))).toHaveLength(1);
    const custom = (...causes: Json[]) => answer({ kind: 'Status', details: { group: 'c1.example.com', causes } });
    const [c, d, name] = [cause('spec.list', 'x'), cause('spec.map', 'y'), cause('metadata.name', 'z')];
    expect(diffAnswers(0, custom(name, c, d), custom(name, d, c))).toEqual([]);
    expect(diffAnswers(0, custom(name, c), custom(c, name))).toHaveLength(1);
    expect(diffAnswers(0, refusal(c, d), refusal(d, c))).toHaveLength(1);
  });

  it('knows that what breaks a LimitRange is told in an order by chance', () => {
    const [a, b] = ['maximum cpu usage per Pod is 1, but limit is 2', 'memory max limit to request ratio per Pod is 1'];
    const refused = (...parts: string[]) =>
      answer({ kind: 'Status', message: `pods "p" is forbidden: [${parts.join(', ')}]` });
    expect(diffAnswers(0, refused(a, b), refused(b, a))).toEqual([]);
    expect(diffAnswers(0, refused(a, b), refused(a))).toHaveLength(1);
  });

  it('compares managedFields by manager', () => {
    const entry = (manager: string, fieldsV1: Json): Json => ({
      manager,
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsV1,
    });
    const object = (...managedFields: Json[]) => answer({ metadata: { managedFields } });
    const found = diffAnswers(
      0,
      object(entry('a', {}), entry('b', { x: {} })),
      object(entry('b', { y: {} }), entry('a', {})),
    );
    expect(found.map(({ path }) => path)).toEqual([
      'body.metadata.managedFields[b Apply v1].fieldsV1.x',
      'body.metadata.managedFields[b Apply v1].fieldsV1.y',
    ]);
    expect(
      diffAnswers(0, object(entry('a', {}), entry('b', {})), object(entry('b', {}), entry('a', {})))[0]?.path,
    ).toContain('(order)');
    const timed = (manager: string, time: string): Json => ({ manager, operation: 'Update', time, fieldsV1: {} });
    const both = (x: Json, y: Json) => diffAnswers(0, object(x, y), object(y, x));
    expect(both(timed('a', '<now:s>'), timed('b', '<now:s>'))).toEqual([]);
    expect(both(timed('a', '<now:s>'), timed('b', '2020-01-01T00:00:00Z'))).toEqual([]);
  });

  it('compares headers', () =>
    expect(diffAnswers(0, answer({}, 200, { warning: ['x'] }), answer({}))).toEqual([
      { step: 0, path: 'header.warning', expected: ['x'], got: undefined },
    ]));
});

it('counts moments in the future as equal within two seconds', () => {
  expect(equal('<now+30s:s>', '<now+29s:s>')).toBe(true);
  expect(equal('<now+30s:s>', '<now+20s:s>')).toBe(false);
  expect(equal('<now+30s:s>', '<now+30s:1e-6s>')).toBe(false);
});

const twinCase = (kind: string): TwinCase => ({ kind, scenario: 's', namespaced: true, steps: [] });

describe('groupKey', () => {
  it('is one for the same difference of several kinds, and another for another code', () => {
    const difference = (kind: string, code: number) => ({
      step: 0,
      path: 'status',
      expected: `${code} NotFound: ${kind} "x" not found`,
      got: '200',
    });
    expect(groupKey(twinCase('pods/v1'), difference('pods', 404))).toBe(
      groupKey(twinCase('jobs.batch/v1'), difference('jobs', 404)),
    );
    expect(groupKey(twinCase('pods/v1'), difference('pods', 404))).not.toBe(
      groupKey(twinCase('pods/v1'), difference('pods', 410)),
    );
  });
});

it('excuses only what fits an entry in everything it gives', () => {
  const entries = [{ reason: 'r', kind: /^pods\//, path: /^header\.x$/, got: /^absent$/ }];
  const difference = { step: 0, path: 'header.x', expected: 'y', got: undefined };
  expect(meantBy(twinCase('pods/v1'), difference, entries)).toBe(entries[0]);
  expect(meantBy(twinCase('nodes/v1'), difference, entries)).toBeUndefined();
  expect(meantBy(twinCase('pods/v1'), { ...difference, got: 'z' }, entries)).toBeUndefined();
});
