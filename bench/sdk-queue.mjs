// `node sdk-queue.mjs KEYS`: adds keys of three priorities in lots, every second one twice, takes all and says done; as
// conformance/modules/clients/bench does with queues of Go.
import { systemClock as clock, systemRandom as random } from '@keelson/core/machinery';
import { WorkQueue } from '@keelson/core/workqueue';

const lot = 10_000;
const priorities = ['high', 'normal', 'low'];
const keys = Array.from({ length: lot }, (_, at) => `ns-${at % 10}/object-${at}`);
const queue = new WorkQueue({ clock, random });

function round() {
  for (const [at, key] of keys.entries()) {
    for (let each = 0; each <= at % 2; each++) queue.add(key, priorities[at % 3]);
  }
  for (let each = 0; each < lot; each++) queue.done(queue.tryGet());
}

for (let warm = 0; warm < 5; warm++) round();
const count = Number(process.argv[2]);
const from = performance.now();
const before = process.cpuUsage();
for (let done = 0; done < count; done += lot) round();
const ms = performance.now() - from;
const { user, system } = process.cpuUsage(before);
if (queue.length > 0) throw new Error(`${queue.length} keys are left`);
console.log(JSON.stringify({ queue: { keys: count, ms, processorMs: (user + system) / 1000 } }));
