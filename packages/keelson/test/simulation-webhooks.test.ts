import { simulate } from '@keelson/apiserver/testing';
import { ConfigMap, defineOperator, defineResource, defineVersions, deny } from '@keelson/core';
import { expect, it } from 'vitest';
import { z } from 'zod';

const Shop = defineVersions({
  group: 'simulated.keelson.dev',
  kind: 'Shop',
  hub: 'v1',
  versions: {
    v1: { spec: z.object({ sign: z.object({ text: z.string() }) }), status: z.object({ seen: z.string() }) },
    v1alpha1: { spec: z.object({ sign: z.string() }), status: z.object({ sign: z.string() }) },
  },
  conversions: {
    v1alpha1: {
      toHub: ({ spec, status }) => ({
        spec: { sign: { text: spec.sign } },
        status: status?.sign === undefined ? undefined : { seen: status.sign },
      }),
      fromHub: ({ spec, status }) => ({
        spec: { sign: spec.sign.text },
        status: status?.seen === undefined ? undefined : { sign: status.seen },
      }),
    },
  },
});

const ref = { name: 'corner', namespace: 'default' };

it('converts between versions in virtual time', async () => {
  const operator = () =>
    defineOperator({
      name: 'shop',
      for: Shop.v1,
      owns: [ConfigMap],
      async reconcile({ spec }, { apply, setStatus }) {
        await apply(ConfigMap, { data: { text: spec.sign.text } });
        setStatus({ seen: spec.sign.text });
      },
    });
  const outcome = await simulate(
    {
      operators: () => [operator()],
      steps: [
        {
          name: 'makes a shop, as it was once',
          run: ({ client }) => client.create(Shop.v1alpha1, { metadata: ref, spec: { sign: 'fish' } }),
        },
      ],
      finally: {
        'it is read in both versions': async ({ client }) => {
          const [old, now] = [await client.get(Shop.v1alpha1, ref), await client.get(Shop.v1, ref)];
          const said = [old.status?.sign, now.status?.seen, (await client.get(ConfigMap, ref)).data?.['text']];
          if (said.join() !== 'fish,fish,fish') return said.join();
        },
      },
    },
    { runs: 3 },
  );
  expect(outcome).toEqual({ runs: 3 });
});

const Booth = defineResource({
  group: 'simulated.keelson.dev',
  version: 'v1',
  kind: 'Booth',
  spec: z.object({ size: z.int(), sign: z.string().optional() }),
});

it('validates and mutates in virtual time, also while processes die', async () => {
  const operator = () =>
    defineOperator({
      name: 'booth',
      for: Booth,
      owns: [ConfigMap],
      mutate: ({ object }) => ({ ...object, spec: { ...object.spec, sign: object.spec.sign ?? 'open' } }),
      validate: ({ object }) => (object.spec.size > 3 ? deny('it is too large') : undefined),
      async reconcile({ spec }, { apply }) {
        await apply(ConfigMap, { data: { sign: spec.sign ?? 'nothing' } });
      },
    });
  const outcome = await simulate(
    {
      operators: () => [operator()],
      steps: [
        {
          name: 'makes a booth',
          run: ({ client }) => client.create(Booth, { metadata: ref, spec: { size: 1 } }),
        },
        {
          name: 'makes it too large, in vain',
          run: async ({ client }) => {
            const large = client.patch(Booth, ref, { merge: { spec: { size: 4 } } });
            await expect(large).rejects.toThrow(/denied the request: it is too large|connection refused/);
          },
        },
      ],
      finally: {
        'it says that it is open': async ({ client }) => {
          const [{ spec }, { data }] = [await client.get(Booth, ref), await client.get(ConfigMap, ref)];
          if (spec.size !== 1 || data?.['sign'] !== 'open') return `${spec.size} ${data?.['sign']}`;
        },
      },
    },
    { runs: 3 },
  );
  expect(outcome).toEqual({ runs: 3 });
});
