import { writeSync } from 'node:fs';
import { systemClock, systemRandom } from '@keelson/core';
import { openPki } from '../../pki/index.ts';
import { openEtcdStorage } from '../../storage/etcd/etcd-storage.ts';
import { composeApiServer } from '../compose.ts';

/*
 * An API server to be killed: on the etcd of others, with the certificates of all. Prints `ready` when it serves.
 * Arguments: the port, the directory of certificates, and etcd's endpoints.
 */

const [port = '', pkiDir = '', ...endpoints] = process.argv.slice(2);
const say = (level: string) => (message: string, fields?: object) =>
  writeSync(2, `${port} ${level} ${message} ${JSON.stringify(fields ?? {})}\n`);
const logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: say('warn'),
  error: say('error'),
  named: () => logger,
};
const clock = systemClock;
const random = systemRandom;
const pki = await openPki(pkiDir, { clock, hosts: ['127.0.0.1'] });
const storage = await openEtcdStorage({ endpoints, clock, random, logger, compactionInterval: 0 });
const parts = composeApiServer({ storage, clock, random, logger, serviceAccountKey: () => pki.serviceAccountKey });
await parts.registry.start();
await parts.server.listen({ host: '127.0.0.1', port: Number(port), pki });
await parts.server.bootstrap(pki.ca);
writeSync(1, 'ready\n');
