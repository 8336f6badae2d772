import fc from 'fast-check';
import { expect, it } from 'vitest';
import { slowStart } from './slow-start.ts';

it('calls each once, in batches that double', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 200 }), async (count) => {
      const calls: number[] = [];
      const batches: number[] = [];
      let running = 0;
      const result = await slowStart(count, 1, async (index) => {
        calls.push(index);
        running += 1;
        await Promise.resolve();
        batches.push(running);
        running = 0;
      });
      expect(result).toEqual({ done: count, error: undefined });
      expect(calls).toEqual([...Array(count).keys()]);
      expect(Math.max(0, ...batches)).toBeLessThanOrEqual(128);
    }),
  );
});

it('stops after the batch that fails', async () => {
  let calls = 0;
  const failure = new Error('quota');
  const result = await slowStart(100, 1, async (index) => {
    calls += 1;
    if (index === 2) throw failure;
  });
  expect(calls).toBe(3);
  expect(result).toEqual({ done: 2, error: failure });
});
