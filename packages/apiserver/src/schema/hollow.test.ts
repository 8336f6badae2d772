import { describe, expect, it } from 'vitest';
import { decodeAs } from './codec.ts';
import { holdsHollow, hollowMember, isMarkedHollow, withHollows } from './hollow.ts';

const decode = (definition: string, value: unknown) => {
  const decoded = decodeAs(`io.k8s.api.core.v1.${definition}`, value, { unknown: [] });
  if (typeof decoded !== 'object' || decoded === null) throw new Error('no object');
  return decoded;
};
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('what is given and empty', () => {
  it('is left out or null in the object, and remembered beside it', () => {
    const range = decode('LimitRange', { metadata: { name: 'a', labels: {} }, spec: { limits: [] } });
    expect(json(range)).toEqual({ metadata: { name: 'a' }, spec: { limits: null } });
    expect(isMarkedHollow(range)).toBe(true);
    expect(json(withHollows(range, 'all'))).toEqual({ metadata: { name: 'a', labels: {} }, spec: { limits: [] } });
    expect(json(withHollows(range, 'shown'))).toEqual({ metadata: { name: 'a' }, spec: { limits: [] } });
    expect(withHollows(decode('LimitRange', { spec: { limits: null } }), 'all')).toEqual({
      metadata: {},
      spec: { limits: null },
    });
  });

  it('goes along with copies, and not into text', () => {
    const claim = decode('PersistentVolumeClaimSpec', { accessModes: [], resources: { requests: { storage: '1' } } });
    const copied = { ...claim };
    expect(hollowMember(copied, 'accessModes')).toEqual([]);
    expect(hollowMember(copied, 'resources')).toBeUndefined();
    expect(JSON.stringify(copied)).toBe('{"resources":{"requests":{"storage":"1"}}}');
    expect(holdsHollow({ spec: copied })).toBe(true);
    expect(holdsHollow({ spec: decode('PersistentVolumeClaimSpec', { accessModes: ['x'] }) })).toBe(false);
  });

  it('is nothing where nothing was given', () => {
    const pod = decode('Pod', { metadata: { name: 'a' }, spec: { containers: [{ name: 'c' }] } });
    expect(isMarkedHollow(pod)).toBe(false);
    expect(withHollows(pod, 'all')).toBe(pod);
  });
});

describe('amounts in lists of resources', () => {
  it('are rounded up to thousandths, in the form in which they came', () => {
    const amount = (cpu: unknown) => json(decode('ResourceQuotaSpec', { hard: { cpu } }));
    // As a real v1.35 answers.
    for (const [given, kept] of [
      ['0.0001', '1m'],
      ['1e-4', '1e-3'],
      ['0.0001Ki', '103m'],
      ['1n', '1m'],
      ['1.0000001', '1001m'],
      ['12345678.0001', '12345678001m'],
      ['100e-6', '1e-3'],
      ['100m', '100m'],
      [2, '2'],
    ] as const) {
      expect(amount(given)).toEqual({ hard: { cpu: kept } });
    }
  });
});
