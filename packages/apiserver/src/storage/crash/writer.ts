import { writeSync } from 'node:fs';
import { systemClock } from '@keelson/core/machinery';
import { openLogStorage } from '../log-storage.ts';

/*
 * A process to be killed: 32 writers create objects for ever, and each acknowledged one is printed as `key revision`.
 * Arguments: the data directory, and a name for this life.
 */

const [dir = '', life = ''] = process.argv.slice(2);
const storage = await openLogStorage({ dir, clock: systemClock, segmentBytes: 200_000, history: { revisions: 2000 } });
writeSync(1, `open ${storage.currentRevision()}\n`);

await Promise.all(
  Array.from({ length: 32 }, async (_, writer) => {
    for (let number = 0; ; number++) {
      const key = `/${life}/${writer}/${number}`;
      const { modRevision } = await storage.create(key, Buffer.from(key.repeat(20)));
      writeSync(1, `${key} ${modRevision}\n`);
    }
  }),
);
