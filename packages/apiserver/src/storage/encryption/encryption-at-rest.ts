import { readFile } from 'node:fs/promises';
import type { Clock, Logger } from '@keelson/core';
import type { Storage } from '../contract.ts';
import { type BuiltRules, buildRules } from './build-rules.ts';
import { EncryptedStorage } from './encrypted-storage.ts';
import { checkEncryptionConfig, parseEncryptionConfig } from './encryption-config.ts';
import type { ResourceOfPlace } from './encryption-rules.ts';
import type { EncryptionConfig } from './encryption-schema.ts';

/** A file, read again when it changes, or the configuration itself. */
export type EncryptionSource = { readonly file: string } | { readonly config: unknown };

export interface EncryptionAtRestOptions {
  readonly source: EncryptionSource;
  readonly resourceOf: ResourceOfPlace;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often the file is looked at. */
const lookEvery = 10_000;
/** Calls to plugins of a configuration that was replaced may still be under way. */
const closeAfter = 30_000;

/** Encryption of stored values by an EncryptionConfiguration (kubernetes.io/docs/tasks/administer-cluster/encrypt-data). */
export class EncryptionAtRest {
  readonly #options: EncryptionAtRestOptions;
  readonly #running = new AbortController();
  readonly #reloads = { success: 0, failure: 0 };
  #built: BuiltRules | undefined;
  #text: string | undefined;

  constructor(options: EncryptionAtRestOptions) {
    this.#options = options;
  }

  /** How often the file was read anew because it had changed. */
  get reloads(): { readonly success: number; readonly failure: number } {
    return this.#reloads;
  }

  /**
   * Reads the configuration and puts it between a store and its users; closing what is returned ends all. Rejects with
   * `EncryptionConfigError` where the configuration is wrong.
   */
  async open(store: Storage): Promise<Storage> {
    const { source, logger } = this.#options;
    let config: EncryptionConfig;
    if ('file' in source) {
      this.#text = await readFile(source.file, 'utf8');
      config = parseEncryptionConfig(this.#text);
    } else config = checkEncryptionConfig(source.config);
    this.#built = await buildRules(config, this.#options);
    if ('file' in source) void this.#follow(source.file);
    const keysHealthy = async () => this.#built?.healthy();
    return new EncryptedStorage({
      store,
      logger,
      rules: () => this.#rules(),
      keysHealthy,
      close: () => this.#close(),
    });
  }

  /** Reads the file again if it has changed. What is wrong is logged, and the rules stay as they were. */
  async reload(): Promise<void> {
    const { source, logger } = this.#options;
    if (!('file' in source)) return;
    let built: BuiltRules | undefined;
    try {
      const text = await readFile(source.file, 'utf8');
      if (text === this.#text) return;
      built = await buildRules(parseEncryptionConfig(text), this.#options);
      // Plugins that do not answer must not take the place of keys that work.
      await built.healthy();
      this.#replace(built);
      this.#text = text;
      this.#reloads.success++;
      logger.info('the encryption configuration was read anew', { file: source.file });
    } catch (error) {
      built?.close();
      this.#reloads.failure++;
      logger.error('the encryption configuration could not be read anew: the one before stays', {
        file: source.file,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #replace(built: BuiltRules): void {
    const before = this.#built;
    this.#built = built;
    if (!before) return;
    const cancel = this.#options.clock.after(closeAfter, () => before.close());
    this.#running.signal.addEventListener(
      'abort',
      () => {
        cancel();
        before.close();
      },
      { once: true },
    );
  }

  #rules() {
    if (!this.#built) throw new Error('the encryption of the store is not open yet');
    return this.#built.rules;
  }

  async #follow(file: string): Promise<void> {
    const { signal } = this.#running;
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(lookEvery, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw new Error(`${file} is not looked at any more`, { cause: error });
      }
      await this.reload();
    }
  }

  #close(): void {
    this.#running.abort();
    this.#built?.close();
  }
}
