// What a client under test is asked, and what it answers, line by line in JSON; the same for programs in Go (see
// conformance/modules/clients/bench). It begins with `{"synced":…}`. `next N`: `{"ready":true}`, then `{"events":…}` when
// N changes have come. The end of its input ends it.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Changes that carry it were sent at this time, in microseconds since the epoch. */
export const sentAt = 'bench.example.com/sent-at';

const microseconds = () => (performance.timeOrigin + performance.now()) * 1000;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/**
 * The longest time in ms that the event loop was held since it was asked last: a timer of 2 ms came so much too late. Of
 * that no more counts than the process has worked meanwhile: what other programs took of the processor is not its doing.
 */
function heldBy() {
  let last = performance.now();
  let worked = process.cpuUsage();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    const { user, system } = process.cpuUsage(worked);
    longest = Math.max(longest, Math.min(now - last - 2, (user + system) / 1000));
    last = now;
    worked = process.cpuUsage();
  };
  setInterval(look, 2);
  return () => {
    look();
    const told = longest;
    longest = 0;
    return Math.max(0, told);
  };
}

const peakMb = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;

function heap() {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Follows one client: `start` is told when it sets out, `synced` when all is there, `changed` of each update. */
export function probe() {
  const held = heldBy();
  let from;
  let processor;
  let before;
  let awaited = 0;
  let came = 0;
  let first;
  let latencies = [];

  const spent = () => {
    const { user, system } = process.cpuUsage(processor);
    return (user + system) / 1000;
  };
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      awaited = Number(/^next (\d+)$/.exec(line)?.[1]);
      came = 0;
      first = undefined;
      latencies = [];
      processor = process.cpuUsage();
      held();
      say({ ready: true });
    })
    .on('close', () => process.exit(0));

  return {
    start() {
      before = heap();
      held();
      processor = process.cpuUsage();
      from = performance.now();
    },
    /** Waits once: what was put off for later is part of the work. */
    async synced(objects) {
      const ms = performance.now() - from;
      await new Promise((wake) => setTimeout(wake, 50));
      const heldMs = held();
      const processorMs = spent();
      const peak = peakMb();
      const heapBytes = (heap() - before) / objects;
      held();
      say({ synced: { objects, ms, processorMs, heldMs, heapBytes, peakMb: peak } });
    },
    changed(annotations) {
      const now = performance.now();
      came += 1;
      if (first === undefined) {
        first = now;
        processor = process.cpuUsage();
      }
      const sent = annotations?.[sentAt];
      if (sent !== undefined) latencies.push((microseconds() - Number(sent)) / 1000);
      if (came !== awaited) return;
      const ms = now - first;
      // The loop is held until this returns; whoever waits for its end sees all of it.
      setTimeout(
        () => say({ events: { count: came, ms, processorMs: spent(), heldMs: held(), peakMb: peakMb(), latencies } }),
        20,
      );
    },
    say,
  };
}
