// node packages/core/bench/workqueue.bench.mjs — needs a build (npm run build:js -w @keelson/core).
import { systemClock, systemRandom, WorkQueue } from '@keelson/core';

const keys = Array.from({ length: 100_000 }, (_, at) => `namespace-${at % 50}/pod-${at}`);
const rounds = 20;

function run(work) {
  const began = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const queue = new WorkQueue({ clock: systemClock, random: systemRandom });
    work(queue);
  }
  return Math.round((rounds * keys.length) / ((performance.now() - began) / 1_000));
}

const drain = (queue) => {
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) queue.done(key);
};
const cases = {
  'add, get, done': (queue) => {
    for (const key of keys) queue.add(key);
    drain(queue);
  },
  'with every key added twice': (queue) => {
    for (const key of keys) queue.add(key, 'low');
    for (const key of keys) queue.add(key);
    drain(queue);
  },
  'one at a time': (queue) => {
    for (const key of keys) {
      queue.add(key);
      queue.done(queue.tryGet());
    }
  },
};
for (const [name, work] of Object.entries(cases)) {
  run(work);
  console.log(`${name.padEnd(28)} ${run(work).toLocaleString('en').padStart(12)} keys/s`);
}
