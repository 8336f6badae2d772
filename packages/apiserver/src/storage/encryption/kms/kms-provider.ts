import { randomBytes } from 'node:crypto';
import { type Clock, type Logger, timestamp } from '@keelson/core';
import { AesGcm } from '../aes-gcm.ts';
import type { Opened, PrefixedTransformer } from '../value-transformer.ts';
import { DerivedKeys, seedSize } from './derived-keys.ts';
import { checkEnvelope, keyIdHash, keyIdProblem, sourceName } from './envelope-rules.ts';
import type { KmsService } from './kms-client.ts';
import { type EncryptedObject, encryptedObject } from './messages.ts';

const checkEvery = 60_000;
const retryEvery = 10_000;
/** How long is written with a seed after the plugin has confirmed its key for the last time. */
const writesFor = 180_000;
const healthyFor = 20_000;
const unhealthyFor = 3_000;
/** Encrypted seeds whose plain ones are kept: one a server's run and key. */
const mostSources = 1_000;

export interface KmsProviderOptions {
  readonly name: string;
  readonly service: KmsService;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface WriteState {
  readonly envelope: Omit<EncryptedObject, 'encryptedData'>;
  readonly keys: DerivedKeys;
  readonly expires: number;
}

interface Reader {
  open(data: Uint8Array, place: string): Uint8Array;
}

/**
 * Envelope encryption by a key management service (KEP-3299, version 2): values are encrypted here, with keys derived
 * from a seed that only the service can decrypt. The service is asked once for each seed.
 */
export class KmsProvider implements PrefixedTransformer {
  readonly prefix: Uint8Array;
  readonly #options: KmsProviderOptions;
  readonly #readers = new Map<string, Promise<Reader>>();
  #state: WriteState | undefined;
  #version: string | undefined;
  #checked: { readonly at: number; readonly error: Error | undefined } | undefined;
  #checking: Promise<void> | undefined;

  constructor(options: KmsProviderOptions) {
    this.#options = options;
    this.prefix = Buffer.from(`k8s:enc:kms:v2:${options.name}:`);
  }

  /** Asks the plugin for the first time, and from then on as long as `signal` lasts. Resolves after the first answer. */
  async start(signal: AbortSignal): Promise<void> {
    const healthy = await this.#tryCheck();
    void this.#keepChecking(healthy, signal);
  }

  /** Rejects while the plugin is not well. Its last answer counts for some seconds. */
  async check(): Promise<void> {
    const { clock } = this.#options;
    const last = this.#checked;
    if (last && clock.now() - last.at < (last.error ? unhealthyFor : healthyFor)) {
      if (last.error) throw last.error;
      return;
    }
    this.#checking ??= this.#ask().finally(() => {
      this.#checking = undefined;
    });
    await this.#checking;
  }

  current(): string {
    return this.#state ? this.#originOf(this.#state.envelope) : '';
  }

  seal(value: Uint8Array, place: string): Uint8Array {
    const state = this.#usable();
    const now = this.#options.clock.now();
    if (now > state.expires) {
      const at = (ms: number) => timestamp({ ...this.#options.clock, now: () => ms });
      throw new Error(
        `encryptedDEKSource with keyID hash "${keyIdHash(state.envelope.keyId)}" expired at ${at(state.expires)} (current time is ${at(now)})`,
      );
    }
    return encryptedObject.encode({ ...state.envelope, encryptedData: state.keys.seal(value, place) });
  }

  async open(data: Uint8Array, place: string): Promise<Opened> {
    const envelope = encryptedObject.decode(data);
    if (envelope.encryptedData.length === 0) throw new Error('encrypted data is empty');
    checkEnvelope(envelope);
    this.#usable();
    const reader = await this.#readerOf(envelope);
    return { value: reader.open(envelope.encryptedData, place), origin: this.#originOf(envelope) };
  }

  #originOf({ keyId, sourceType }: Pick<EncryptedObject, 'keyId' | 'sourceType'>): string {
    return `kms:${this.#options.name}:${sourceType}:${keyId}`;
  }

  #usable(): WriteState {
    if (!this.#state) throw new Error('got unexpected nil transformer');
    return this.#state;
  }

  #readerOf(envelope: EncryptedObject): Promise<Reader> {
    const name = sourceName(envelope);
    const known = this.#readers.get(name);
    if (known) return known;
    const reader = this.#decrypted(envelope);
    this.#keepReader(name, reader);
    // The next who asks may have more luck.
    reader.catch(() => this.#readers.delete(name));
    return reader;
  }

  #keepReader(name: string, reader: Promise<Reader>): void {
    const [oldest] = this.#readers.keys();
    if (this.#readers.size >= mostSources && oldest !== undefined) this.#readers.delete(oldest);
    this.#readers.set(name, reader);
  }

  async #decrypted(envelope: EncryptedObject): Promise<Reader> {
    let key: Uint8Array;
    try {
      key = await this.#options.service.decrypt(envelope);
    } catch (error) {
      throw new Error(`failed to decrypt DEK, error: ${messageOf(error)}`, { cause: error });
    }
    return envelope.sourceType === 'seed' ? new DerivedKeys(key) : new AesGcm(key);
  }

  async #ask(): Promise<void> {
    try {
      await this.#askStatus();
      this.#checked = { at: this.#options.clock.now(), error: undefined };
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#checked = { at: this.#options.clock.now(), error };
      throw error;
    }
  }

  async #askStatus(): Promise<void> {
    const { name, service } = this.#options;
    const status = await service.status().catch((error: unknown) => {
      throw new Error(
        `failed to perform status section of the healthz check for KMS Provider ${name}, error: ${messageOf(error)}`,
        { cause: error },
      );
    });
    const problems: string[] = [];
    if (status.healthz !== 'ok') problems.push(`got unexpected healthz status: ${status.healthz}`);
    if (status.version !== 'v2' && status.version !== 'v2beta1') {
      problems.push(`expected KMSv2 API version v2, got ${status.version}`);
    } else {
      this.#version ??= status.version;
      if (this.#version !== status.version) {
        problems.push(
          `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${status.version}`,
        );
      }
    }
    const id = keyIdProblem(status.keyId);
    if (id !== undefined) problems.push(`got invalid KMSv2 KeyID hash "${keyIdHash(status.keyId)}": ${id}`);
    else await this.#follow(status.keyId).catch((error: unknown) => problems.push(messageOf(error)));
    if (problems.length === 0) return;
    const text = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
    throw new Error(`kmsv2 Provider ${name} is not healthy, error: ${text}`);
  }

  /** Writes with the key that the plugin names: with the seed there is, or a new one when the key has changed. */
  async #follow(keyId: string): Promise<void> {
    const { service, clock } = this.#options;
    const expires = clock.now() + writesFor;
    if (this.#state?.envelope.keyId === keyId) {
      this.#state = { ...this.#state, expires };
      return;
    }
    const seed = randomBytes(seedSize);
    const keys = new DerivedKeys(seed);
    const answer = await service.encrypt(seed).catch((error: unknown) => {
      throw new Error(`failed to rotate DEK: failed to encrypt DEK, error: ${messageOf(error)}`, { cause: error });
    });
    const envelope: WriteState['envelope'] = {
      keyId: answer.keyId,
      encryptedSource: answer.ciphertext,
      annotations: answer.annotations,
      sourceType: 'seed',
    };
    checkEnvelope(envelope);
    if (answer.keyId !== keyId) {
      throw new Error(
        `failed to rotate DEK: statusKeyIDHash="${keyIdHash(keyId)}", encryptKeyIDHash="${keyIdHash(answer.keyId)}"`,
      );
    }
    this.#state = { envelope, keys, expires };
    this.#keepReader(sourceName(envelope), Promise.resolve(keys));
  }

  async #tryCheck(): Promise<boolean> {
    try {
      await this.check();
      return true;
    } catch (error) {
      this.#options.logger.error('the KMS plugin is not well', { name: this.#options.name, error: messageOf(error) });
      return false;
    }
  }

  async #keepChecking(healthy: boolean, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#options.clock.sleep(healthy ? checkEvery : retryEvery, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      healthy = await this.#tryCheck();
    }
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
