import type { Clock, Random } from './clock.ts';

/** Node fires timers beyond 2^31 - 1 ms at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The machine's time. Timers do not keep the process alive. The one place in the SDK that touches timers and dates. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const arm = (left: number) => {
      timer = setTimeout(
        () => (left > longestTimerMs ? arm(left - longestTimerMs) : callback()),
        Math.min(left, longestTimerMs),
      );
      timer.unref();
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
  sleep(ms, signal) {
    return sleepOn(systemClock, ms, signal);
  },
};

/** The machine's randomness. */
export const systemRandom: Random = () => Math.random();

/** `Clock.sleep` in terms of `Clock.after`, for those who write a clock. */
export function sleepOn(clock: Pick<Clock, 'after'>, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Keeps the process alive, which the clock's timers do not, until the function returned is called. */
export function holdProcess(): () => void {
  const timer = setInterval(() => undefined, longestTimerMs);
  return () => clearInterval(timer);
}
