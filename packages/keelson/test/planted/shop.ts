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

/** Something outside of the cluster that takes its time. */
export interface Supplier {
  order(size: number): Promise<void>;
}

/** The bug: what it has read before it ordered is written back whole, whoever has changed it meanwhile. */
export const overwriting = (supplier: Supplier) =>
  defineOperator({
    name: 'shop',
    for: Shop,
    owns: [ConfigMap],
    uses: [{ type: ConfigMap, verbs: ['get', 'list', 'watch', 'update'] }],
    async reconcile({ spec }, { client }) {
      const { metadata, ...rest } = await client.get(ConfigMap, catalogue);
      await supplier.order(spec.size);
      const { resourceVersion: _, ...others } = metadata;
      await client.update(ConfigMap, { ...rest, metadata: others, data: { ...rest.data, size: String(spec.size) } });
    },
  });

/** The same operator, mended. */
export const careful = (supplier: Supplier) =>
  defineOperator({
    name: 'shop',
    for: Shop,
    owns: [ConfigMap],
    uses: [{ type: ConfigMap, verbs: ['patch'] }],
    async reconcile({ spec }, { client }) {
      await supplier.order(spec.size);
      await client.patch(ConfigMap, catalogue, { merge: { data: { size: String(spec.size) } } });
    },
  });

export default forgetful();
