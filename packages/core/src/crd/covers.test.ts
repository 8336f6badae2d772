import { describe, expect, it } from 'vitest';
import { covers } from './covers.ts';

describe('covers', () => {
  it('does not mind what others have added to objects', () => {
    const live = { spec: { replicas: 2, strategy: 'x', containers: [{ name: 'c', policy: 'default' }] }, status: {} };
    expect(covers(live, { spec: { replicas: 2, containers: [{ name: 'c' }] } })).toBe(true);
    expect(covers(live, { spec: { replicas: 3 } })).toBe(false);
    expect(covers(live, { spec: { paused: true } })).toBe(false);
    expect(covers(live, { spec: null })).toBe(false);
  });

  it('does not mind empty objects and lists that the server leaves out', () => {
    expect(covers({ spec: {} }, { spec: { volumes: [], selector: {} } })).toBe(true);
    expect(covers({ spec: {} }, { spec: { volumes: [{}] } })).toBe(false);
  });

  it('finds named things in any order, and others in theirs', () => {
    const env = [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ];
    expect(covers(env, env.toReversed())).toBe(true);
    expect(covers(env, [{ name: 'A', value: '1' }])).toBe(false);
    expect(covers(env, [{ name: 'A', value: '1' }, { name: 'C' }])).toBe(false);
    expect(covers(['a', 'b'], ['b', 'a'])).toBe(false);
    const twice = [
      { name: 'http', port: 1 },
      { name: 'http', port: 2 },
    ];
    expect(covers(twice, twice)).toBe(true);
    expect(covers(twice, twice.toReversed())).toBe(false);
  });
});
