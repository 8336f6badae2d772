import { expect, it } from 'vitest';
import { wrongKeys } from './contract.ts';
import { withoutStreams } from './proxy.ts';
import { runFaults } from './run-faults.ts';
import { startServerHere } from './servers.ts';
import { startSubject } from './subject.ts';
import { startKeelson, startKeelsonHttp1 } from './watchers/keelson.ts';

// The short form of `npm run faults`: Keelson's informers alone, and faults that are over in a second or two.

it('informers know the truth after resets, cuts, silence, refusals and lost history, and tell nothing out of order', async () => {
  const server = await startServerHere();
  try {
    const { subjects } = await runFaults({
      server,
      subjects: {
        h2: (config) => startSubject(startKeelson, config),
        http1: (config) => startSubject(startKeelsonHttp1, config),
      },
      namespaces: ['faults-a', withoutStreams],
      keysPerNamespace: 300,
      events: 4_000,
      every: 200,
      seed: 1,
      calms: 2,
      patienceMs: 30_000,
      signal: new AbortController().signal,
    });
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
});
