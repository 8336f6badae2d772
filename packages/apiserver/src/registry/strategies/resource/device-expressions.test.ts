import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FieldErrors } from '../../strategy.ts';
import { checkSelectors } from './device-checks.ts';
import { deviceEnvironment } from './device-expressions.ts';

interface Recorded {
  readonly expression: string;
  readonly causes?: readonly string[];
}

/** What a real API server (v1.35.4) said of DeviceClasses with such a selector; without causes it took them. */
const recorded = readFileSync(new URL('recorded-selectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line): Recorded => JSON.parse(line));

/** What selectors were found to cost there, by adding to them what it still takes. */
const costs: Readonly<Record<string, number>> = {
  "device.driver == 'a'": 3,
  'device.driver == device.driver': 11,
  "device.driver.matches('a+')": 9,
  'device == device': 2,
  'device.attributes == device.attributes': 8,
  "device.attributes['a'] == device.attributes['b']": 10,
  "device.attributes['a'].b == device.attributes['a'].c": 15,
  "device.attributes['a']['b'] == device.attributes['a']['c']": 15,
  "device.capacity['a'].b == device.capacity['a'].c": 9,
  "device.capacity['a'].b.compareTo(quantity('1')) > 0": 7,
  'device.attributes.all(a, true)': 99,
  "device.attributes.all(a, a.matches('x+'))": 355,
  "device.capacity.all(a, a.matches('x+'))": 355,
  "device.attributes['a'].all(b, true)": 100,
  "device.attributes['a'].all(b, b.matches('x+'))": 260,
  "device.capacity['a'].all(b, b.matches('x+'))": 260,
  "device.attributes['a'].b.matches('x+')": 11,
  "device.attributes['a'].b.contains(device.driver)": 55,
  "device.attributes['a'].b.split(',').all(x, x == 'a')": 338,
  "cel.bind(a, device.attributes['x'], a.y.matches('x+'))": 22,
  "cel.bind(a, device.attributes['x'], a.all(b, b.matches('x+')))": 271,
  "device.attributes.all(k, v, k.matches('x'))": 355,
  "device.attributes['a'].all(a, b, a.matches('x'))": 356,
  "device.attributes['a'].all(a, b, b.matches('x'))": 356,
  "device.attributes.all(k, v, v.all(a, b, a.matches('x') || b.matches('y')))": 19619,
  "device.attributes.all(k, v, v.x.matches('x'))": 387,
  "device.capacity.all(k, v, v.all(a, q, q.compareTo(quantity('1')) > 0))": 7331,
  "device.attributes.all(a, device.attributes[a].all(b, b.matches('x') || device.attributes[a][b].matches('y')))": 21763,
  "device.attributes['a'].b in ['a', 'b']": 16,
  "device.attributes['a'].b.lowerAscii() == 'a'": 12,
  "string(device.attributes['a'].b) == 'a'": 12,
  "device.attributes['a'].b + 'a' == 'b'": 12,
  'device.attributes.map(a, a).size() == 1': 431,
  "{device.driver: 1}.all(k, k.matches('x'))": 44,
};

describe('selectors of devices', () => {
  it.each(recorded)('$expression', ({ expression, causes = [] }) => {
    const errors = new FieldErrors();
    checkSelectors([{ cel: { expression } }], 'spec.selectors', errors);
    expect(errors.list.map(({ field, type, message }) => `${field} ${type} ${message}`)).toEqual(causes);
  });

  it.each(Object.entries(costs))('%s costs %d', (text, cost) => {
    const compiled = deviceEnvironment.compile(text);
    expect(compiled.failure === undefined && compiled.cost.max).toBe(cost);
  });
});
