import type { Clock, Logger } from '@keelson/core';
import { type ReloadObserver, WatchedFile } from '../../reload/index.ts';
import type { Storage } from '../contract.ts';
import { type BuiltRules, buildRules } from './build-rules.ts';
import { EncryptedStorage } from './encrypted-storage.ts';
import { checkEncryptionConfig, parseEncryptionConfig } from './encryption-config.ts';
import type { ResourceOfPlace } from './encryption-rules.ts';

/** A file, read again when it changes, or the configuration itself. */
export type EncryptionSource = { readonly file: string } | { readonly config: unknown };

export interface EncryptionAtRestOptions {
  readonly source: EncryptionSource;
  readonly resourceOf: ResourceOfPlace;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observer?: ReloadObserver;
}

/** Encryption of stored values by an EncryptionConfiguration (kubernetes.io/docs/tasks/administer-cluster/encrypt-data). */
export class EncryptionAtRest {
  readonly #options: EncryptionAtRestOptions;
  #file: WatchedFile<BuiltRules> | undefined;
  #built: BuiltRules | undefined;

  constructor(options: EncryptionAtRestOptions) {
    this.#options = options;
  }

  /**
   * Reads the configuration and puts it between a store and its users; closing what is returned ends all. Rejects with
   * `EncryptionConfigError` where the configuration is wrong.
   */
  async open(store: Storage): Promise<Storage> {
    const { source, logger } = this.#options;
    if ('file' in source) {
      this.#file = this.#follow(source.file);
      await this.#file.open();
    } else this.#built = await buildRules(checkEncryptionConfig(source.config), this.#options);
    return new EncryptedStorage({
      store,
      logger,
      rules: () => this.#current().rules,
      keysHealthy: () => this.#current().healthy(),
      close: () => this.#close(),
    });
  }

  /** Reads the file again if it has changed. What is wrong is logged, and the rules stay as they were. */
  async reload(): Promise<void> {
    await this.#file?.reload();
  }

  #follow(file: string): WatchedFile<BuiltRules> {
    const { clock, logger, observer } = this.#options;
    return new WatchedFile<BuiltRules>({
      file,
      what: 'the encryption configuration',
      clock,
      logger,
      ...(observer && { observer }),
      build: async (text, before) => {
        const built = await buildRules(parseEncryptionConfig(text), this.#options);
        // Plugins that do not answer must not take the place of keys that work.
        if (before) await healthyOrClosed(built);
        return built;
      },
      dispose: (built) => built.close(),
    });
  }

  #current(): BuiltRules {
    const built = this.#file?.value ?? this.#built;
    if (!built) throw new Error('the encryption of the store is not open yet');
    return built;
  }

  #close(): void {
    this.#file?.close();
    this.#built?.close();
  }
}

async function healthyOrClosed(built: BuiltRules): Promise<void> {
  try {
    await built.healthy();
  } catch (error) {
    built.close();
    throw error;
  }
}
