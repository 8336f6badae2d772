import { expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { Website } from '../../test/website-operator.ts';
import { CustomResourceDefinition } from '../api/index.ts';
import { createClient } from '../client/index.ts';
import { settle } from '../testing/fake-clock.ts';
import { installCrd } from './install-crd.ts';

it('waits for a definition that goes to be gone, and installs it anew', async () => {
  const api = new ModelApi();
  const client = createClient(api);
  const { crd } = Website;
  const ref = crd.metadata;
  const establish = () =>
    client.patch(CustomResourceDefinition, ref, {
      merge: { status: { conditions: [{ type: 'Established', status: 'True' }] } },
    });
  await client.create(CustomResourceDefinition, { ...crd, metadata: { ...ref, finalizers: ['test/objects'] } });
  await establish();
  await client.delete(CustomResourceDefinition, ref);
  let installed = false;
  const installing = installCrd(client, crd, new AbortController().signal).then(() => {
    installed = true;
  });
  await settle(10);
  expect(installed).toBe(false);
  await client.patch(CustomResourceDefinition, ref, { merge: { metadata: { finalizers: null } } });
  await settle(10);
  expect((await client.get(CustomResourceDefinition, ref)).metadata.deletionTimestamp).toBeUndefined();
  expect(installed).toBe(false);
  await establish();
  await installing;
  expect(installed).toBe(true);
  expect(api.watches).toBe(0);
});
