import { parseDuration } from '@keelson/core/machinery';
import { z } from 'zod';

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
