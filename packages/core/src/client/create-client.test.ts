import { describe, expect, it } from 'vitest';
import { ModelApi } from '../../test/model-api.ts';
import { ConfigMap, Deployment, Namespace, Pod } from '../api/index.ts';
import { StatusError } from '../machinery/index.ts';
import type { ApiRequest, Transport } from './contract.ts';
import { createClient } from './create-client.ts';

/** Remembers what it is asked, and answers with what it is given. */
function recording(answers: readonly unknown[] = []) {
  const requests: ApiRequest[] = [];
  const transport: Transport = {
    async request(request) {
      requests.push(request);
      const answer = answers[requests.length - 1];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    watch: () => {
      throw new Error('not asked for');
    },
    raw: async () => '',
  };
  return { client: createClient(transport), requests };
}

describe('createClient', () => {
  it('says kind and version on what it writes, whatever the object says', async () => {
    const { client, requests } = recording();
    const { signal } = new AbortController();
    const object = { apiVersion: 'x', kind: 'y', metadata: { name: 'a', namespace: 'ns' } };
    await client.create(ConfigMap, { ...object, data: { a: '1' } }, { signal, fieldManager: 'me' });
    await client.updateStatus(Deployment, {
      metadata: { name: 'd', namespace: 'ns' },
      spec: { selector: {}, template: {} },
    });
    expect(requests).toEqual([
      {
        verb: 'create',
        group: '',
        version: 'v1',
        resource: 'configmaps',
        namespace: 'ns',
        options: { fieldManager: 'me' },
        body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'ns' }, data: { a: '1' } },
        signal,
      },
      {
        verb: 'update',
        group: 'apps',
        version: 'v1',
        resource: 'deployments',
        namespace: 'ns',
        name: 'd',
        subresource: 'status',
        options: {},
        body: {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: 'd', namespace: 'ns' },
          spec: { selector: {}, template: {} },
        },
      },
    ]);
    expect(object.kind).toBe('y');
  });

  it('knows patches of every kind', async () => {
    const { client, requests } = recording();
    const ref = { name: 'p', namespace: 'ns' };
    await client.patch(Pod, ref, { json: [{ op: 'add', path: '/x', value: 1 }] });
    await client.patch(Pod, ref, { merge: { a: 1 } }, { subresource: 'status' });
    await client.patch(Pod, ref, { strategic: { b: 1 } });
    await client.patch(Pod, ref, { apply: { metadata: {} }, fieldManager: 'me', force: true });
    expect(
      requests.map(({ patchType, body, options, subresource }) => ({ patchType, body, options, subresource })),
    ).toEqual([
      { patchType: 'application/json-patch+json', body: [{ op: 'add', path: '/x', value: 1 }], options: {} },
      { patchType: 'application/merge-patch+json', body: { a: 1 }, options: {}, subresource: 'status' },
      { patchType: 'application/strategic-merge-patch+json', body: { b: 1 }, options: {} },
      {
        patchType: 'application/apply-patch+yaml',
        body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' } },
        options: { fieldManager: 'me', force: true },
      },
    ]);
  });

  it('takes default where a namespace is missing, and none for what has none', async () => {
    const { client, requests } = recording();
    await client.get(Pod, { name: 'p' });
    await client.get(Namespace, { name: 'n', namespace: 'x' });
    await client.create(Pod, { metadata: { generateName: 'p-' }, spec: { containers: [] } });
    await client.createSubresource(Pod, { name: 'p', namespace: 'ns' }, 'binding', { target: {} });
    await client.deleteCollection(Pod, { labelSelector: 'a=b' });
    expect(requests.map(({ namespace, name, subresource }) => [namespace, name, subresource])).toEqual([
      ['default', 'p', undefined],
      [undefined, 'n', undefined],
      ['default', undefined, undefined],
      ['ns', 'p', 'binding'],
      [undefined, undefined, undefined],
    ]);
    await expect(async () => client.delete(Pod, { name: '' })).rejects.toThrow('delete pods: metadata.name is missing');
  });

  it('reads a list whole, or one page if a limit is set', async () => {
    const client = createClient(new ModelApi());
    for (let each = 0; each < 1_100; each += 1) await client.create(ConfigMap, { metadata: { name: `c${each}` } });
    const all = await client.list(ConfigMap);
    expect(all.items.length).toBe(1_100);
    expect(all.metadata).toEqual({ resourceVersion: '1101' });
    const page = await client.list(ConfigMap, { limit: 10 });
    expect(page.items.length).toBe(10);
    expect((await client.list(ConfigMap, { limit: 10, continue: page.metadata.continue! })).items.length).toBe(10);
  });

  it('names a revision on the first page only, and reads undivided when the snapshot is gone', async () => {
    const { client, requests } = recording([
      { metadata: { continue: 'more', resourceVersion: '5' }, items: [1] },
      StatusError.expired('too old'),
      { metadata: { resourceVersion: '9' }, items: [1, 2] },
    ]);
    const list = await client.list(Pod, { resourceVersion: '5', resourceVersionMatch: 'Exact' });
    expect(list.items).toEqual([1, 2]);
    expect(requests.map((each) => each.options)).toEqual([
      { resourceVersion: '5', resourceVersionMatch: 'Exact', limit: 500 },
      { limit: 500, continue: 'more' },
      { resourceVersion: '5', resourceVersionMatch: 'Exact' },
    ]);
  });
});
