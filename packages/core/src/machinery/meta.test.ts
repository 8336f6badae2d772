import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setCondition } from './condition.ts';
import { deepEqual, semanticEqual } from './deep-equal.ts';
import { intOrPercent } from './int-or-percent.ts';
import {
  validateDns1035Label,
  validateDnsLabel,
  validateDnsSubdomain,
  validateQualifiedName,
} from './name-validation.ts';
import { validateObjectMeta } from './object-meta-validation.ts';
import { controllerOf, isControlledBy, ownerReferenceTo } from './owner-reference.ts';
import { generateName, hashObject } from './safe-name.ts';
import { formatDuration, parseDuration, parseTimestamp } from './time-format.ts';

describe('conditions', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Up', lastTransitionTime: '2020-01-01T00:00:00Z' };

  it('keeps the time of the last change of status', () => {
    const same = setCondition([ready], { type: 'Ready', status: 'True', reason: 'Other' }, 'now');
    expect(same).toEqual([{ ...ready, reason: 'Other' }]);
    const changed = setCondition([ready], { type: 'Ready', status: 'False', reason: 'Down' }, 'now');
    expect(changed).toEqual([{ type: 'Ready', status: 'False', reason: 'Down', lastTransitionTime: 'now' }]);
  });

  it('gives the same list back when nothing changed', () => {
    const list = [ready];
    expect(setCondition(list, { type: 'Ready', status: 'True', reason: 'Up' }, 'now')).toBe(list);
  });
});

describe('owners', () => {
  it('knows the controller by uid', () => {
    const owner = { metadata: { name: 'web', uid: 'u1' } };
    const reference = ownerReferenceTo(owner, { group: 'apps', version: 'v1', kind: 'ReplicaSet' });
    expect(reference).toEqual({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid: 'u1',
      controller: true,
      blockOwnerDeletion: true,
    });
    const owned = { metadata: { name: 'pod', ownerReferences: [reference] } };
    expect(controllerOf(owned)).toBe(reference);
    expect(isControlledBy(owned, owner)).toBe(true);
    expect(isControlledBy(owned, { metadata: { name: 'web', uid: 'u2' } })).toBe(false);
  });
});

describe('names', () => {
  it('follows the rules for names', () => {
    expect(validateDnsSubdomain('a.b-c.d')).toEqual([]);
    expect(validateDnsSubdomain('a'.repeat(300))).toEqual(['must be no more than 253 characters']);
    expect(validateDnsLabel('1a')).toEqual([]);
    expect(validateDns1035Label('1a')).toHaveLength(1);
    expect(validateQualifiedName('/a')).toEqual(['prefix part must be non-empty']);
    expect(validateQualifiedName('a/')).toHaveLength(2);
    expect(validateQualifiedName('example.com/Name')).toEqual([]);
  });

  it('generates names that are names', () => {
    fc.assert(
      fc.property(fc.nat({ max: 80 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (length, random) => {
        const name = generateName('a'.repeat(length + 1), () => random);
        expect(validateDnsLabel(name)).toEqual([]);
      }),
    );
  });

  it('hashes by meaning, not by order', () => {
    expect(hashObject({ a: 1, b: { c: [1], d: undefined } })).toBe(hashObject({ b: { c: [1] }, a: 1 }));
    expect(hashObject({ a: 1 })).not.toBe(hashObject({ a: 2 }));
    expect(hashObject({ a: 1 }, 1)).not.toBe(hashObject({ a: 1 }));
    expect(hashObject({ a: 1 })).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  });

  it('finds what is wrong with metadata', () => {
    const errors = validateObjectMeta({
      name: 'x',
      labels: { k: '-a' },
      annotations: { 'A/b': 'v', big: 'b'.repeat(262144) },
      finalizers: ['a'],
      ownerReferences: [
        { apiVersion: 'v1', kind: 'a', name: 'a', uid: 'b', controller: true },
        { apiVersion: 'v1', kind: 'a', name: 'c', uid: 'd', controller: true },
        { apiVersion: '', kind: '', name: 'c', uid: 'd' },
      ],
    });
    expect(errors.map((each) => each.field)).toEqual([
      'metadata.labels',
      'metadata.annotations',
      'metadata.ownerReferences',
      'metadata.ownerReferences.apiVersion',
      'metadata.ownerReferences.kind',
      'metadata.finalizers[0]',
    ]);
    expect(errors[1]?.message).toBe('Too long: may not be more than 262144 bytes');
  });
});

describe('equality', () => {
  it('takes absent and undefined as the same', () => {
    expect(deepEqual({ a: undefined, b: [1] }, { b: [1] })).toBe(true);
    expect(deepEqual({ a: null }, {})).toBe(false);
    expect(deepEqual([1], { 0: 1 })).toBe(false);
    expect(semanticEqual({ a: [], b: {} }, {})).toBe(true);
    expect(semanticEqual({ a: [{}] }, { a: [{ b: undefined }] })).toBe(true);
  });

  it('agrees with JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(deepEqual(a, structuredClone(a))).toBe(true);
        if (JSON.stringify(a) === JSON.stringify(b)) expect(deepEqual(a, b)).toBe(true);
      }),
    );
  });
});

describe('numbers and times', () => {
  it('takes percentages up or down', () => {
    expect([intOrPercent('25%', 10, true), intOrPercent('25%', 10, false), intOrPercent(3, 10, true)]).toEqual([
      3, 2, 3,
    ]);
    expect(() => intOrPercent('3', 10, true)).toThrow('string is not a percentage');
  });

  it.each([
    ['1h30m', 5_400_000, '1h30m0s'],
    ['1.5s', 1500, '1.5s'],
    ['250ms', 250, '250ms'],
    ['-2m', -120_000, '-2m0s'],
    ['1us', 0.001, '1µs'],
    ['0', 0, '0s'],
    ['24h', 86_400_000, '24h0m0s'],
  ])('reads the duration %s', (text, ms, formatted) => {
    expect(parseDuration(text)).toBe(ms);
    expect(formatDuration(ms)).toBe(formatted);
  });

  it.each(['', '1', 's', '1d', '1h 2m', '.s'])('refuses the duration %j', (text) =>
    expect(parseDuration(text)).toBeUndefined());

  it('reads instants', () => {
    expect(parseTimestamp('2026-11-21T02:47:50Z')).toBe(Date.UTC(2026, 10, 21, 2, 47, 50));
    expect(parseTimestamp('2026-11-21T02:47:50.123456+01:00')).toBe(Date.UTC(2026, 10, 21, 1, 47, 50, 123));
    expect(parseTimestamp('2026-02-30T00:00:00Z')).toBeUndefined();
    expect(parseTimestamp('2026-11-21')).toBeUndefined();
  });
});
