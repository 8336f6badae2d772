import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DependentGraph, type DependentState } from './dependent-graph.ts';

const chain = new DependentGraph({ web: { after: ['db', 'config'] }, db: { after: ['config'] }, config: {} });

describe('DependentGraph', () => {
  it('orders by what stands before, and else as declared', () => {
    expect(chain.order).toEqual(['config', 'db', 'web']);
    expect(chain.hasOrder).toBe(true);
    expect(new DependentGraph({ b: {}, a: {} }).order).toEqual(['b', 'a']);
    expect(new DependentGraph({ b: {}, a: {} }).hasOrder).toBe(false);
  });

  it('names the path where there is no order', () => {
    expect(() => new DependentGraph({ a: { after: ['b'] }, b: { after: ['c'] }, c: { after: ['b'] } })).toThrow(
      'dependents: each of these would wait for the next: b → c → b',
    );
    expect(() => new DependentGraph({ a: { after: ['a'] } })).toThrow('a → a');
    expect(() => new DependentGraph({ a: { after: ['x'] }, b: {} })).toThrow(
      'dependents.a.after: there is no "x"; there are a, b',
    );
  });

  it('knows what waits for what', () => {
    const there = { wanted: 'yes', ready: true, surplus: false } as const;
    const states = new Map<string, DependentState>([['config', there]]);
    expect(chain.awaited('web', states)).toEqual(['db']);
    expect(chain.holders('config', states)).toEqual(['web', 'db']);
    states.set('db', { wanted: 'no', ready: false, surplus: true });
    expect(chain.awaited('web', states)).toEqual([]);
    states.set('web', { ...there, ready: false });
    expect(chain.holders('db', states)).toEqual(['web']);
    states.set('web', there);
    expect(chain.holders('db', states)).toEqual([]);
    expect(chain.holders('config', states)).toEqual(['db']);
  });

  it('keeps the order across what is not wanted', () => {
    const states = new Map<string, DependentState>([
      ['config', { wanted: 'yes', ready: false, surplus: false }],
      ['db', { wanted: 'no', ready: false, surplus: false }],
    ]);
    expect(chain.awaited('web', states)).toEqual(['db', 'config']);
    states.set('config', { wanted: 'no', ready: false, surplus: true });
    states.set('web', { wanted: 'no', ready: false, surplus: true });
    expect(chain.holders('config', states)).toEqual(['web', 'db']);
  });

  it('puts everything after what it names, whatever the graph', () => {
    const graphs = fc.array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(graphs, (lists) => {
        const nodes = Object.fromEntries(
          lists.map((list, at) => [`n${at}`, { after: list.filter((each) => each < at).map((each) => `n${each}`) }]),
        );
        const { order } = new DependentGraph(Object.fromEntries(Object.entries(nodes).toReversed()));
        expect(order.toSorted()).toEqual(Object.keys(nodes).toSorted());
        for (const [name, { after }] of Object.entries(nodes)) {
          for (const each of after) expect(order.indexOf(each)).toBeLessThan(order.indexOf(name));
        }
      }),
    );
  });
});
