import { systemClock, systemRandom } from '@keelson/core/machinery';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, describe } from 'vitest';
import { storageConformance } from '../conformance.ts';
import { EtcdConnection } from './connection.ts';
import { openEtcdStorage } from './etcd-storage.ts';
import { methods } from './messages.ts';
import type { EtcdOptions } from './options.ts';
import { type EtcdCluster, etcdPrograms, startEtcd } from './start-etcd.test-util.ts';

describe.skipIf(Object.keys(etcdPrograms).length === 0)('etcd', () => {
  for (const [version, program] of Object.entries(etcdPrograms)) {
    describe(`etcd ${version}`, () => {
      let cluster: EtcdCluster;
      beforeAll(async () => {
        cluster = await startEtcd(program, { args: ['--max-request-bytes', '8000000'] });
      });
      afterAll(() => cluster.stop());

      const options = (): EtcdOptions => ({
        endpoints: cluster.endpoints,
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        root: '/',
      });

      storageConformance('EtcdStorage', async () => {
        await empty(options());
        let storage = await openEtcdStorage(options());
        return {
          storage,
          async reopen() {
            await storage.close();
            storage = await openEtcdStorage(options());
            return storage;
          },
          dispose: () => storage.close(),
        };
      });
    });
  }
});

async function empty(options: EtcdOptions): Promise<void> {
  const connection = new EtcdConnection(options);
  const everything = { key: Buffer.from('/'), range_end: Buffer.from('0') };
  await connection.call(methods.txn, { success: [{ request_delete_range: everything }] });
  connection.close();
}
