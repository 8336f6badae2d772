import type { Logger } from '@keelson/core';
import { type Clock, sleepOn } from '@keelson/core/machinery';
import type { Revision } from '../contract.ts';
import type { EtcdConnection } from './connection.ts';
import { failureOf } from './errors.ts';
import { compareTarget, methods, numberOf } from './messages.ts';

/** As Kubernetes calls it, so that API servers of both kinds do not do the work twice. */
const compactKey = Buffer.from('compact_rev_key');

/** What one server knows of compaction: how often the key was written, and what was current when it looked last. */
export interface CompactionState {
  readonly version: number;
  readonly revision: Revision;
}

/**
 * One round: the one server that writes the key compacts to what was current a round ago, the others wait for the next.
 * So history is kept for between one interval and two.
 */
export async function compactOnce(
  connection: EtcdConnection,
  { version, revision }: CompactionState,
  signal: AbortSignal,
): Promise<CompactionState & { readonly compacted: boolean }> {
  const answer = await connection.call(
    methods.txn,
    {
      compare: [{ result: 0, target: compareTarget.version, key: compactKey, version }],
      success: [{ request_put: { key: compactKey, value: Buffer.from(String(revision)) } }],
      failure: [{ request_range: { key: compactKey } }],
    },
    { write: true, signal },
  );
  const current = numberOf(answer.header?.revision);
  if (!answer.succeeded) {
    const found = answer.responses?.[0]?.response_range?.kvs?.[0];
    return { version: numberOf(found?.version), revision: current, compacted: false };
  }
  if (revision > 0) await compactTo(connection, revision, signal);
  return { version: version + 1, revision: current, compacted: revision > 0 };
}

/** Makes etcd forget what came before `revision`. What is forgotten already does not matter. */
export async function compactTo(connection: EtcdConnection, revision: Revision, signal?: AbortSignal): Promise<void> {
  try {
    await connection.call(methods.compact, { revision }, signal ? { signal } : {});
  } catch (error) {
    if (failureOf(error).type !== 'compacted') throw error;
  }
}

/** Compacts every `interval` milliseconds until the signal aborts. */
export async function keepCompacting(options: {
  readonly connection: EtcdConnection;
  readonly interval: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { connection, interval, clock, logger, signal } = options;
  let state: CompactionState = { version: 0, revision: 0 };
  while (!signal.aborted) {
    try {
      await sleepOn(clock, interval, signal);
      state = await compactOnce(connection, state, signal);
    } catch (error) {
      if (!signal.aborted) logger.warn('etcd could not be compacted', { error: String(error) });
    }
  }
}
