import { AsyncLocalStorage } from 'node:async_hooks';

interface Frame {
  readonly scope: AsyncScope<unknown>;
  readonly value: unknown;
  readonly outer: Frame | undefined;
}

/** Node 20 keeps each for ever once it was used, and carries all of them to each new promise: one for all scopes. */
const frames = new AsyncLocalStorage<Frame>();

/** What is under way wherever it is asked, through whatever calls and promises. Costs nothing once it is not used any more. */
export class AsyncScope<T> {
  /** Of the innermost `run` of this scope that surrounds the caller. */
  get current(): T | undefined {
    let frame = frames.getStore();
    while (frame && frame.scope !== this) frame = frame.outer;
    // Only `run` of this very scope has put it there.
    return frame?.value as T | undefined;
  }

  run<R>(value: T, act: () => R): R {
    return frames.run({ scope: this, value, outer: without(this, frames.getStore()) }, act);
  }
}

function without(scope: AsyncScope<unknown>, frame: Frame | undefined): Frame | undefined {
  if (!frame) return undefined;
  if (frame.scope === scope) return frame.outer;
  const outer = without(scope, frame.outer);
  return outer === frame.outer ? frame : { ...frame, outer };
}
