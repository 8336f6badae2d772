import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RequestTurns } from './request-turns.ts';

const connection = (name: string) => ({ name });

function recorder() {
  const turns = new RequestTurns<{ readonly name: string }>();
  const begun: string[] = [];
  const ask = (from: { readonly name: string }, count = 1) => {
    for (let each = 0; each < count; each++) turns.begin(from, () => begun.push(from.name));
  };
  const counts = () => {
    const all: Record<string, number> = {};
    for (const each of begun) all[each] = (all[each] ?? 0) + 1;
    return all;
  };
  return { ask, begun, counts };
}

describe('the turns of requests', () => {
  it('begin at once what is not much', () => {
    const { ask, counts } = recorder();
    ask(connection('a'), 8);
    ask(connection('b'));
    expect(counts()).toEqual({ a: 8, b: 1 });
  });

  it('let another come after a few of those that one connection brings at once', async () => {
    const { ask, begun } = recorder();
    const [flood, other] = [connection('flood'), connection('other')];
    ask(flood, 1000);
    expect(begun).toHaveLength(8);
    await turn();
    ask(other);
    expect(begun.indexOf('other')).toBeLessThanOrEqual(24);
    while (begun.length < 1001) await turn();
  });

  it('go round among many connections, and let in who has not waited', async () => {
    const { ask, begun, counts } = recorder();
    const floods = Array.from({ length: 100 }, (_, at) => connection(`f${at}`));
    for (const each of floods) ask(each, 20);
    await turn();
    ask(connection('other'));
    expect(begun).toContain('other');
    expect(begun.length).toBeLessThan(100);
    while (begun.length < 1000) await turn();
    const { other, ...flooding } = counts();
    expect(other).toBe(1);
    const half = Object.values(flooding);
    expect(half).toHaveLength(100);
    expect(Math.max(...half) - Math.min(...half)).toBeLessThanOrEqual(16);
    while (begun.length < 2001) await turn();
    expect(new Set(Object.values(counts()))).toEqual(new Set([20, 1]));
  });

  it('keep the order of one connection', async () => {
    const turns = new RequestTurns();
    const one = {};
    const seen: number[] = [];
    for (let each = 0; each < 50; each++) turns.begin(one, () => seen.push(each));
    while (seen.length < 50) await turn();
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});
