import { type Client, ConfigMap, defineOperator, defineResource, type ObjectRef, Secret } from '@keelson/core';
import { z } from 'zod';

/** Of the tests that record an operator and replay what they recorded. */
export const Shop = defineResource({
  group: 'replay.keelson.dev',
  version: 'v1',
  kind: 'Shop',
  spec: z.object({ size: z.int().default(1) }),
  status: z.object({ seen: z.int() }),
});

export const catalogue: ObjectRef = { name: 'catalogue', namespace: 'default' };

const reconcile = async (
  { metadata, spec }: { readonly metadata: { readonly name: string }; readonly spec: { readonly size: number } },
  {
    client,
    apply,
  }: { readonly client: Client; readonly apply: (type: typeof ConfigMap, object: object) => Promise<unknown> },
) => {
  await client.patch(ConfigMap, catalogue, { merge: { data: { [metadata.name]: 'open' } } });
  await apply(ConfigMap, { data: { size: String(spec.size) } });
};

const shop = {
  name: 'shop',
  for: Shop,
  owns: [ConfigMap],
  references: [{ type: Secret, by: () => ['till'] }],
  uses: [{ type: ConfigMap, verbs: ['patch'] }],
} as const;

/** The bug: who closes a shop finds it in the catalogue for ever. */
export const forgetful = () => defineOperator({ ...shop, reconcile });

/** The same operator, mended. */
export const mended = () =>
  defineOperator({
    ...shop,
    reconcile,
    async finalize({ metadata }, { client }) {
      await client.patch(ConfigMap, catalogue, { merge: { data: { [metadata.name]: null } } });
    },
  });
