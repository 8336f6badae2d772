import type { Clock, Logger } from '@keelson/core';
import type { Pki } from '../pki/index.ts';

export interface KeepCredentialsOptions {
  readonly pki: Pick<Pki, 'renew' | 'reloadServiceAccountKey'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Certificates were made anew. */
  readonly renewed: () => void;
}

const keyMs = 20_000;
const certificateMs = 60 * 60_000;

/** Renews certificates before they end, and takes over a key that was replaced, until `signal` aborts; never rejects. */
export async function keepCredentials({ pki, clock, logger, signal, renewed }: KeepCredentialsOptions): Promise<void> {
  let checked = clock.now();
  while (!signal.aborted) {
    try {
      await clock.sleep(keyMs, signal);
      await pki.reloadServiceAccountKey();
      if (clock.now() - checked < certificateMs) continue;
      checked = clock.now();
      if (!(await pki.renew())) continue;
      renewed();
      logger.info('certificates that were about to end were renewed');
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('certificates and keys could not be looked after; tried again', { error: String(error) });
    }
  }
}
