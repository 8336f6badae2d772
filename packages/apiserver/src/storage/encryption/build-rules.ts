import type { Clock, Logger } from '@keelson/core';
import { AesCbc } from './aes-cbc.ts';
import { AesGcm } from './aes-gcm.ts';
import { EncryptionRules, nameOf, parseGroupResource, type ResourceOfPlace } from './encryption-rules.ts';
import type { EncryptionConfig, ProviderConfig } from './encryption-schema.ts';
import { type KeyCipher, keyedTransformer } from './keyed-transformer.ts';
import type { KmsProvider } from './kms/kms-provider.ts';
import { identity, providersInOrder } from './prefix-transformers.ts';
import { Secretbox } from './secretbox.ts';
import type { PrefixedTransformer } from './value-transformer.ts';

export interface BuildOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resourceOf: ResourceOfPlace;
}

/** The rules of one configuration, with the plugins that they call. */
export interface BuiltRules {
  readonly rules: EncryptionRules;
  /** Rejects unless every plugin is well. */
  healthy(): Promise<void>;
  close(): void;
}

/** Makes transformers of a configuration that is valid, and begins to ask its plugins how they are. */
export async function buildRules(config: EncryptionConfig, options: BuildOptions): Promise<BuiltRules> {
  const ended = new AbortController();
  const plugins: { readonly name: string; readonly provider: KmsProvider; close(): void }[] = [];
  const makeProvider = async (provider: ProviderConfig): Promise<PrefixedTransformer> => {
    if (!provider.kms) return withKeys(provider, options);
    const { name, endpoint, timeout } = provider.kms;
    // Its client is large, and most clusters have no need of it.
    const [{ KmsClient }, { KmsProvider: Provider }] = await Promise.all([
      import('./kms/kms-client.ts'),
      import('./kms/kms-provider.ts'),
    ]);
    const service = new KmsClient({ endpoint, timeout });
    const made = new Provider({ name, service, clock: options.clock, logger: options.logger });
    plugins.push({ name, provider: made, close: () => service.close() });
    await made.start(ended.signal);
    return made;
  };
  const byResource = new Map<string, PrefixedTransformer[]>();
  for (const { resources, providers } of config.resources) {
    const made: PrefixedTransformer[] = [];
    for (const each of providers) made.push(await makeProvider(each));
    for (const each of resources) {
      const name = nameOf(parseGroupResource(each));
      byResource.set(name, [...(byResource.get(name) ?? []), ...made]);
    }
  }
  const rules = new Map([...byResource].map(([name, all]) => [name, providersInOrder(all)]));
  return {
    rules: new EncryptionRules(rules, options.resourceOf),
    async healthy() {
      const problems: string[] = [];
      for (const [index, { provider }] of plugins.entries()) {
        await provider.check().catch((error: unknown) => {
          problems.push(`kms-provider-${index}: ${error instanceof Error ? error.message : String(error)}`);
        });
      }
      if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
    },
    close() {
      ended.abort();
      for (const each of plugins) each.close();
    },
  };
}

function withKeys({ aesgcm, aescbc, secretbox }: ProviderConfig, { logger }: BuildOptions): PrefixedTransformer {
  const made = (prefix: string, { keys }: NonNullable<typeof aesgcm>, sort: string, cipher: CipherOf) =>
    keyedTransformer(
      prefix,
      keys.map(({ name, secret }) => {
        const bytes = Buffer.from(secret, 'base64');
        return { name, secret: bytes, cipher: cipher(bytes, name) };
      }),
      `no matching key was found for the provided ${sort} transformer`,
    );
  const gcm: CipherOf = (key, name) =>
    new AesGcm(key, () =>
      logger.warn('an AES-GCM key has been written with 200,000 times: put another one before it', { key: name }),
    );
  if (aesgcm) return made('k8s:enc:aesgcm:v1:', aesgcm, 'AES', gcm);
  if (aescbc) return made('k8s:enc:aescbc:v1:', aescbc, 'AES', (key) => new AesCbc(key));
  if (secretbox) return made('k8s:enc:secretbox:v1:', secretbox, 'Secretbox', (key) => new Secretbox(key));
  return identity;
}

type CipherOf = (key: Uint8Array, name: string) => KeyCipher;
