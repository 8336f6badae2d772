export interface SlowStartResult {
  readonly done: number;
  /** The first error of the batch that failed. */
  readonly error: unknown;
}

/**
 * Calls `action` up to `count` times in batches of 1, 2, 4 …, and stops after a batch with a failure: where a quota
 * forbids the first of 500 pods, the API is asked once and not 500 times.
 */
export async function slowStart(
  count: number,
  initialBatch: number,
  action: (index: number) => Promise<void>,
): Promise<SlowStartResult> {
  let started = 0;
  let done = 0;
  for (let batch = Math.min(count, initialBatch); batch > 0; batch = Math.min(2 * batch, count - started)) {
    const first = started;
    const outcomes = await Promise.allSettled(Array.from({ length: batch }, (_, offset) => action(first + offset)));
    started += batch;
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    done += batch - failures.length;
    if (failures[0] !== undefined) return { done, error: failures[0].reason };
  }
  return { done, error: undefined };
}
