import { expect, it } from 'vitest';
import { wrongKeys } from './contract.ts';
import { fasterClock } from './faster-clock.ts';
import { type ProxyFault, proxyFaults } from './plan.ts';
import { withoutBookmarks, withoutStreams } from './proxy.ts';
import { runFaults } from './run-faults.ts';
import { startServerHere } from './servers.ts';
import { startSubject } from './subject.ts';
import { keelsonWatcher } from './watchers/keelson.ts';

// The short form of `npm run faults`: Keelson's informers alone, and all faults but the one that takes long.
const faults = (Object.keys(proxyFaults) as ProxyFault[]).filter((each) => each !== 'slowReader');
const times = { watchIdleMs: 2_000, pingEveryMs: 500, pingTimeoutMs: 1_000, requestTimeoutMs: 3_000 };
const clock = fasterClock(10);

it('informers know the truth after resets, cuts, silence, refusals and lost history, and tell nothing out of order', async () => {
  const server = await startServerHere();
  try {
    const { subjects, faults: came } = await runFaults({
      server,
      subjects: {
        h2: (config) => startSubject(keelsonWatcher('h2', times, clock), config),
        http1: (config) => startSubject(keelsonWatcher('http/1.1', times, clock), config),
      },
      namespaces: ['faults-a', withoutBookmarks, withoutStreams],
      keysPerNamespace: 280,
      events: 2_500,
      every: 100,
      faults,
      seed: 1,
      calms: 1,
      patienceMs: 60_000,
      signal: new AbortController().signal,
    });
    expect(Object.keys(came).length).toBeGreaterThan(15);
    for (const { name, lost, outOfOrder, unseenDeletions, last, told } of subjects) {
      expect({ name, lost, outOfOrder, unseenDeletions, wrong: wrongKeys(last), examples: last.examples }).toEqual({
        name,
        lost: 0,
        outOfOrder: 0,
        unseenDeletions: 0,
        wrong: 0,
        examples: [],
      });
      expect(told).toBeGreaterThan(600);
    }
  } finally {
    await server.stop();
  }
}, 150_000);
