import { messageOf } from '../machinery/index.ts';
/**
 * Does one after the other, and what fails keeps from none of the rest; their results, in order.
 * @throws what failed; an AggregateError where there was more than one
 */
export async function eachInTurn<R>(signal: AbortSignal, acts: Iterable<() => Promise<R>>): Promise<readonly R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  for (const act of acts) {
    signal.throwIfAborted();
    try {
      results.push(await act());
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1) {
    const messages = failures.map((each) => messageOf(each));
    throw new AggregateError(failures, messages.join('; '));
  }
  if (failures.length === 1) throw failures[0];
  return results;
}
