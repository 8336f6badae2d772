import { parseDuration } from '@keelson/core/machinery';
import { parse } from 'yaml';
import { z } from 'zod';
import { encryptionProblems } from './encryption-problems.ts';

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, 'must be a duration such as 3s')
  .transform((text) => parseDuration(text) ?? 0);

/** A named key; `secret` is base64. Anything is taken here: what is wrong is told in Kubernetes' words. */
const Key = z.strictObject({ name: z.string().default(''), secret: z.string().default('') });
const Keys = z.strictObject({ keys: z.array(Key).default([]) });

const Kms = z.strictObject({
  apiVersion: z.string().default('v1'),
  name: z.string().default(''),
  /** Of version 1, which is not spoken here. */
  cachesize: z.int().optional(),
  endpoint: z.string().default(''),
  timeout: duration.default(3_000),
});

const Provider = z.strictObject({
  aesgcm: Keys.optional(),
  aescbc: Keys.optional(),
  secretbox: Keys.optional(),
  identity: z.strictObject({}).optional(),
  kms: Kms.optional(),
});
export type ProviderConfig = z.output<typeof Provider>;

/** `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`, with its defaults. */
export const EncryptionConfig = z.strictObject({
  apiVersion: z.literal('apiserver.config.k8s.io/v1'),
  kind: z.literal('EncryptionConfiguration'),
  resources: z
    .array(
      z.strictObject({
        resources: z.array(z.string()).default([]),
        providers: z.array(Provider).default([]),
      }),
    )
    .default([]),
});
export type EncryptionConfig = z.output<typeof EncryptionConfig>;

/** The configuration is none that can be worked with; the message says what is wrong with it, and no secret. */
export class EncryptionConfigError extends Error {
  override readonly name = 'EncryptionConfigError';
}

/** Throws `EncryptionConfigError`. */
export function parseEncryptionConfig(text: string): EncryptionConfig {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    // What the parser says quotes what it read: keys, perhaps.
    throw new EncryptionConfigError('the encryption configuration is no YAML');
  }
  return checkEncryptionConfig(value);
}

/** Throws `EncryptionConfigError`. */
export function checkEncryptionConfig(value: unknown): EncryptionConfig {
  const parsed = EncryptionConfig.safeParse(value);
  if (!parsed.success) throw new EncryptionConfigError(z.prettifyError(parsed.error));
  const problems = encryptionProblems(parsed.data);
  if (problems.length === 0) return parsed.data;
  throw new EncryptionConfigError(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
}
