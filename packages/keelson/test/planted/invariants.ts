import type { Invariants } from '@keelson/apiserver/testing';
import { ConfigMap } from '@keelson/core';
import { catalogue, Shop } from './shop.ts';

const invariants: { readonly finally: Invariants } = {
  finally: {
    'the catalogue lists the shops that there are': async ({ client, objects }) => {
      const shops = (await objects(Shop)).map((each) => each.metadata.name);
      const listed = Object.keys((await client.get(ConfigMap, catalogue)).data ?? {});
      if (shops.join() !== listed.join()) return `${listed.join()} instead of ${shops.join()}`;
    },
  },
};
export default invariants;
