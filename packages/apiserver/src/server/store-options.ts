import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger, Random } from '@keelson/core';
import { parseDuration } from '@keelson/core/machinery';
import { z } from 'zod';
import type { ReloadObserver } from '../reload/index.ts';
import type { Storage } from '../storage/contract.ts';
import { EncryptionAtRest } from '../storage/encryption/encryption-at-rest.ts';
import { openLogStorage } from '../storage/log-storage.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { resourceOfPlace } from './resource-of-place.ts';

/** An etcd v3 cluster instead of the embedded store; several API servers may share one. */
export const EtcdStoreOptions = z.strictObject({
  /** `http://host:2379` or `https://host:2379`; all members of one cluster. */
  endpoints: z.array(z.string().regex(/^https?:\/\/[^/\s]+\/?$/, 'must be a URL such as https://10.0.0.1:2379')).min(1),
  /** PEM files: who signed the members' certificates (default: the system's authorities), and our own certificate. */
  caFile: z.string().optional(),
  certFile: z.string().optional(),
  keyFile: z.string().optional(),
  user: z.string().optional(),
  /** A file whose first line is the user's password. */
  passwordFile: z.string().optional(),
});

/** Go's duration syntax, to milliseconds. */
const duration = (fallback: string) =>
  z
    .string()
    .refine((text) => (parseDuration(text) ?? -1) >= 0, 'must be a duration such as 5m or 1h30m')
    .default(fallback)
    .transform((text) => parseDuration(text) ?? 0);

export const storeOptions = {
  /**
   * `log` is the embedded store; `memory` keeps certificates in `dataDir` and nothing else. Default: `log` where there
   * is a `dataDir`.
   */
  store: z.union([z.enum(['log', 'memory']), z.strictObject({ etcd: EtcdStoreOptions })]).optional(),
  /**
   * What is stored encrypted, and with what: an EncryptionConfiguration of Kubernetes, or the path of a file with one,
   * which is read again when it changes.
   */
  encryption: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
  /** How often history is dropped, and so how long it can be read at least. `0`: never because of its age. */
  compactionInterval: duration('5m'),
  /** How long Events are kept. */
  eventTtl: duration('1h'),
} as const;

const StoreOptions = z.strictObject(storeOptions);
export type StoreOptions = z.infer<typeof StoreOptions>;

export interface StoreContext {
  readonly dataDir: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told what becomes of the file of the encryption. */
  readonly encryptionObserver?: ReloadObserver;
}

/** Opens the store that is asked for, encrypted if that is asked for. */
export async function openStore(options: OpenOptions, context: StoreContext, signal?: AbortSignal): Promise<Storage> {
  const { encryption } = options;
  const store = await openPlainStore(options, context, signal);
  if (encryption === undefined) return store;
  const { clock, logger, encryptionObserver: observer } = context;
  const source = typeof encryption === 'string' ? { file: encryption } : { config: encryption };
  const atRest = new EncryptionAtRest({
    source,
    resourceOf: resourceOfPlace,
    clock,
    logger: logger.named('encryption'),
    ...(observer && { observer }),
  });
  try {
    return await atRest.open(store);
  } catch (error) {
    await store.close();
    throw error;
  }
}

type OpenOptions = Pick<StoreOptions, 'store' | 'compactionInterval' | 'encryption'>;

async function openPlainStore(
  { store, compactionInterval }: OpenOptions,
  { dataDir, clock, random, logger }: StoreContext,
  signal?: AbortSignal,
): Promise<Storage> {
  const history = { age: compactionInterval };
  if (typeof store === 'object') {
    const { endpoints, caFile, certFile, keyFile, user, passwordFile } = store.etcd;
    const [ca, certificate, key, password] = await Promise.all(
      [caFile, certFile, keyFile, passwordFile].map(contentOf),
    );
    // Its client is large, and most clusters have no need of it.
    const { openEtcdStorage } = await import('../storage/etcd/etcd-storage.ts');
    return openEtcdStorage(
      {
        endpoints,
        tls: { ...(ca !== undefined && { ca }), ...(certificate && { certificate }), ...(key && { key }) },
        ...(user !== undefined && { user: { name: user, password: password?.split('\n')[0] ?? '' } }),
        clock,
        random,
        logger: logger.named('etcd'),
        compactionInterval,
      },
      signal,
    );
  }
  if (store === 'memory' || dataDir === undefined) return new MemoryStorage({ clock, history });
  return openLogStorage({
    dir: join(dataDir, 'storage'),
    clock,
    history,
    onBackgroundError: (error) => logger.error('the store could not drop old history', { error: String(error) }),
  });
}

async function contentOf(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, 'utf8');
}
