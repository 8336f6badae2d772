import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CelArray, CelUint, type CelValue } from '../value.ts';
import { EntryMap } from './entry-map.ts';
import { compare, isEqual, ValueSet } from './equality.ts';
import { exactFixed, exactScientific } from './exact-decimal.ts';
import { formatAddress, IpProblem, maskedPrefix, parseAddress, parsePrefix, prefixContains } from './ip-address.ts';
import { kubernetesLibraries } from './kubernetes-libraries.ts';
import { celQuantity } from './quantity.ts';
import { celSemver } from './semver.ts';
import { codePoints, pointOf, slicePoints, unitOf } from './text.ts';

const simple: fc.Arbitrary<CelValue> = fc.oneof(
  fc.bigInt({ min: -5n, max: 5n }),
  fc.bigInt({ min: 0n, max: 5n }).map((value) => new CelUint(value)),
  fc.constantFrom(-1, -0.5, 0, 1, 2, 2.5, Number.POSITIVE_INFINITY),
  fc.constantFrom('', 'a', 'b', true, false, null),
);
const value: fc.Arbitrary<CelValue> = fc.oneof(
  simple,
  fc.array(simple, { maxLength: 2 }).map((items) => new CelArray(items)),
);
const address = fc.oneof(fc.ipV4(), fc.ipV6());

describe('libraries of CEL', () => {
  it('hold what is equal once, and only that', () => {
    fc.assert(
      fc.property(fc.array(value), value, (values, wanted) => {
        const set = ValueSet.of(new CelArray(values));
        expect(set.has(wanted)).toBe(values.some((each) => isEqual(each, wanted)));
        const map = EntryMap.of(values.filter((each) => each !== null).map((each) => [each, each]));
        if (wanted !== null) expect(map.get(wanted) !== undefined).toBe(set.has(wanted));
      }),
    );
  });

  it('do not let a map that grew change what it grew from', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { minLength: 2 }), ([first = '', ...others]) => {
        const start = EntryMap.of([[first, 1n]]);
        const grown = others.map((key) => start.with(key, 2n));
        expect(start.size).toBe(1);
        for (const [index, each] of grown.entries()) expect([...(each?.keys() ?? [])]).toEqual([first, others[index]]);
        expect(start.with(first, 3n)).toBeUndefined();
      }),
    );
  });

  it('order texts by their bytes in UTF-8, as Go', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compare(a, b) ?? 0)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('count, cut and find code points', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat(200), fc.nat(200), (text, a, b) => {
        const points = [...text];
        expect(codePoints(text)).toBe(points.length);
        expect(slicePoints(text, a, b)).toBe(points.slice(a, b).join(''));
        const place = Math.min(a, points.length);
        expect(pointOf(text, unitOf(text, place))).toBe(place);
      }),
    );
  });

  it('read the canonical text of an address as the same address', () => {
    fc.assert(
      fc.property(address, fc.nat(128), (text, bits) => {
        const parsed = parseAddress(text);
        if (parsed instanceof IpProblem) throw new Error(parsed.message);
        const canonical = formatAddress(parsed);
        expect(parseAddress(canonical)).toEqual(parsed);
        const network = parsePrefix(`${canonical}/${Math.min(bits, parsed.family === 4 ? 32 : 128)}`);
        if (network instanceof IpProblem) throw new Error(network.message);
        expect(prefixContains(network, parsed)).toBe(true);
        expect(maskedPrefix(maskedPrefix(network))).toEqual(maskedPrefix(network));
        expect(prefixContains(maskedPrefix(network), parsed)).toBe(true);
      }),
    );
  });

  it('add to a quantity what they take away from it', () => {
    const amount = fc
      .tuple(fc.integer({ min: -10_000, max: 10_000 }), fc.constantFrom('', 'm', 'k', 'Ki', 'e3', 'n', 'G'))
      .map(([number, suffix]) => celQuantity(`${number}${suffix}`));
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(a.plus(b).minus(b).equals(a)).toBe(true);
        expect(a.plus(b).equals(b.plus(a))).toBe(true);
        const whole = a.plus(b).whole;
        if (whole !== undefined) expect(celQuantity(String(whole)).equals(a.plus(b))).toBe(true);
      }),
    );
  });

  it('order versions totally', () => {
    const part = fc.constantFrom('0', '1', '10', 'a', 'B', 'rc', '1a');
    const version = fc
      .tuple(fc.nat(2), fc.nat(2), fc.array(part, { maxLength: 2 }))
      .map(([major, minor, pre]) => celSemver(`${major}.${minor}.0${pre.length > 0 ? `-${pre.join('.')}` : ''}`));
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(a.compareTo(b) + b.compareTo(a)).toBe(0);
        if (a.compareTo(b) <= 0 && b.compareTo(c) <= 0) expect(a.compareTo(c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('write doubles with digits that read back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        const { whole, decimals } = exactFixed(double, 1100);
        expect(Number(`${whole}.${decimals}`)).toBe(Math.abs(double));
        const { digits, exponent } = exactScientific(double, 16);
        expect(Number(`${digits.slice(0, 1)}.${digits.slice(1)}e${exponent}`)).toBe(Math.abs(double));
      }),
    );
  });

  it('name no overload twice, and are there from the version on that brought them', () => {
    const ids = kubernetesLibraries().flatMap(({ functions = [] }) =>
      functions.flatMap(({ name, overloads }) => overloads.map(({ id }) => `${name} ${id}`)),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const names = (minor: number) => kubernetesLibraries(minor).map(({ name }) => name);
    expect(names(25)).not.toContain('kubernetes.authz');
    expect(names(30)).toContain('kubernetes.net.cidr');
    expect(names(33)).not.toContain('cel.lib.ext.lists');
    expect(names(34)).toEqual(names(35));
  });
});
