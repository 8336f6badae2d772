import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AsyncScope } from './async-scope.ts';

describe('AsyncScope', () => {
  it('is what surrounds the caller, through promises, for each scope by itself', async () => {
    const [one, other] = [new AsyncScope<number>(), new AsyncScope<string>()];
    const seen = () => [one.current, other.current];
    expect(seen()).toEqual([undefined, undefined]);
    await one.run(1, async () => {
      await turn();
      expect(seen()).toEqual([1, undefined]);
      await other.run('a', async () => {
        await turn();
        expect(seen()).toEqual([1, 'a']);
        await one.run(2, async () => {
          await turn();
          expect(seen()).toEqual([2, 'a']);
        });
        expect(seen()).toEqual([1, 'a']);
      });
      expect(seen()).toEqual([1, undefined]);
    });
    expect(seen()).toEqual([undefined, undefined]);
  });

  it('keeps those apart that run at once', async () => {
    const scope = new AsyncScope<number>();
    const found = await Promise.all(
      [1, 2, 3].map((each) =>
        scope.run(each, async () => {
          for (let turns = 0; turns < each; turns += 1) await turn();
          return scope.current;
        }),
      ),
    );
    expect(found).toEqual([1, 2, 3]);
  });

  it('makes promises no slower, however many there were', async () => {
    const promises = async () => {
      const from = process.cpuUsage();
      for (let each = 0; each < 20_000; each += 1) await undefined;
      const { user, system } = process.cpuUsage(from);
      return user + system;
    };
    const before = await new AsyncScope().run(0, promises);
    for (let each = 0; each < 2_000; each += 1) new AsyncScope().run(each, () => undefined);
    const after = Math.min(await promises(), await promises());
    // With a storage of each its own it took a thousand times as long.
    expect(after).toBeLessThan(before * 50 + 50_000);
  });
});
