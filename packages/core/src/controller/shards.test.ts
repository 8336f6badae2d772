import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignShards, shardOf } from './shards.ts';

const members = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { minLength: 1, maxLength: 9 });
const shards = fc.integer({ min: 1, max: 64 });

describe('assignShards', () => {
  it('gives each shard to one that is there, none more than a fair part, in whatever order they are told', () => {
    fc.assert(
      fc.property(shards, members, fc.func(fc.nat()), (count, there, order) => {
        const assigned = assignShards(count, there);
        expect(assigned).toHaveLength(count);
        for (const each of there) {
          expect(assigned.filter((owner) => owner === each).length).toBeLessThanOrEqual(
            Math.ceil(count / there.length),
          );
        }
        expect(assigned.every((owner) => owner !== undefined && there.includes(owner))).toBe(true);
        expect(
          assignShards(
            count,
            there.toSorted((one, other) => order(one) - order(other)),
          ),
        ).toEqual(assigned);
      }),
    );
  });

  it('moves few shards when one comes: about as many as that one gets', () => {
    const three = assignShards(48, ['a', 'b', 'c']);
    const four = assignShards(48, ['a', 'b', 'c', 'd']);
    const moved = three.filter((owner, shard) => owner !== four[shard]).length;
    expect(moved).toBeGreaterThanOrEqual(12);
    expect(moved).toBeLessThan(24);
  });

  it('gives nothing to nobody', () => expect(assignShards(2, [])).toEqual([undefined, undefined]));
});

describe('shardOf', () => {
  it('is what it always was: processes of other versions must agree', () => {
    const keys = ['default/a', 'default/b', 'east:default/a', 'node-1'];
    expect(keys.map((key) => shardOf(key, 16))).toEqual([15, 4, 3, 4]);
    const places = keys.map((key) => shardOf(key, 16, 'namespace'));
    expect([places[0] === places[1], places[0] === places[2], places[3]]).toEqual([true, false, 4]);
  });

  it('spreads keys evenly', () => {
    const counts = new Array<number>(16).fill(0);
    for (let each = 0; each < 16_000; each += 1) counts[shardOf(`team-${each % 40}/shop-${each}`, 16)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(880);
    expect(Math.max(...counts)).toBeLessThan(1_120);
  });
});
