import { parseArgs } from 'node:util';
import { openPki } from '@keelson/apiserver';
import { systemClock } from '@keelson/core';
import { end, startReal } from './real-server.ts';

// The real kube-apiserver with an etcd that waits for its disk, for measurements. Prints one line of JSON (url, kubeconfig,
// readyMs, pids) and stays until its standard input ends.
const { values } = parseArgs({ options: { dir: { type: 'string' } } });
if (values.dir === undefined) throw new Error('real-side: --dir DIR says where its files are to lie');
const children: Parameters<typeof end>[0][] = [];
const stop = async () => {
  for (const child of children.reverse()) await end(child);
};
try {
  const pki = await openPki(undefined, { clock: systemClock });
  console.log(JSON.stringify(await startReal({ dir: values.dir, pki, children, durable: true })));
} catch (error) {
  await stop();
  throw error;
}
process.stdin.resume();
process.stdin.on('end', () => void stop().then(() => process.exit(0)));
