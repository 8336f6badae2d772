import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { composeApiServer, kubeconfigYaml, MemoryStorage, openPki } from '@keelson/apiserver';
import { type Logger, systemClock, systemRandom } from '@keelson/core';

// Keelson's API server alone in a process: no controllers, everything in memory. Prints `ready URL` and stays until its
// standard input ends.
const { values } = parseArgs({
  options: {
    pki: { type: 'string' },
    kubeconfig: { type: 'string' },
    versions: { type: 'string', default: '' },
    revisions: { type: 'string', default: '10000000' },
  },
});
const quiet = () => undefined;
const logger: Logger = {
  debug: quiet,
  info: quiet,
  warn: (message, details) => console.error(`keelson: ${message}`, details ?? ''),
  error: (message, details) => console.error(`keelson: ${message}`, details ?? ''),
  named: () => logger,
};
const pki = await openPki(values.pki, { clock: systemClock });
// By default neither side forgets: when a compaction runs is the clock's business, and no difference.
const storage = new MemoryStorage({
  history: { age: 0, revisions: Number(values.revisions), bytes: 4 * 1024 ** 3 },
});
const { registry, server } = composeApiServer({
  storage,
  clock: systemClock,
  random: systemRandom,
  logger,
  serviceAccountKey: () => pki.serviceAccountKey,
  runsControllers: false,
  registry: {
    disabledAdmission: ['ServiceAccount'],
    enabledVersions: (values.versions ?? '').split(',').filter((each) => each !== ''),
  },
});
await registry.start();
const { url } = await server.listen({ host: '127.0.0.1', port: 0, pki });
await server.bootstrap(pki.ca);
if (values.kubeconfig)
  writeFileSync(values.kubeconfig, kubeconfigYaml({ server: url, ca: pki.ca, credentials: pki.admin }));
console.log(`ready ${url}`);
// Where it was started with --expose-gc, what is no longer used can be taken away before memory is measured.
process.on('SIGUSR2', () => globalThis.gc?.());
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
