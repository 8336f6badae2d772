import { ConfigMap, Deployment, isStatusError, Lease, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { inProcessTransport } from './in-process-transport.ts';
import { dedupeOwners } from './owner-references.ts';
import { ResourceRegistry } from './resource-registry.ts';

function open() {
  const storage = new MemoryStorage();
  const registry = new ResourceRegistry({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  return inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] });
}

const answer = async (asked: Promise<unknown>) => {
  try {
    await asked;
    return 'taken';
  } catch (error) {
    if (!isStatusError(error)) throw error;
    return `${error.code} ${error.message}`;
  }
};

const ref = { namespace: 'default', name: 'x' };
const type = { apiVersion: 'v1', kind: 'ConfigMap' };

/** All answers are those of a real v1.35. */
describe('what an apply says of itself', () => {
  const transport = open();
  const client = createClient(transport);
  const target = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default', name: 'new' };
  const applied = (body: object) =>
    answer(
      transport.request({
        verb: 'patch',
        ...target,
        patchType: 'application/apply-patch+yaml',
        body,
        options: { fieldManager: 'one' },
      }),
    );

  it.each<[object, string]>([
    [{ apiVersion: 'a/b/c', kind: 'ConfigMap' }, '400 invalid object type: /, Kind='],
    [{ apiVersion: 'v9', kind: 'ConfigMap' }, '400 invalid object type: /v9, Kind=ConfigMap'],
    [{ apiVersion: 'a/', kind: 'ConfigMap' }, '400 invalid object type: a/, Kind=ConfigMap'],
    [{ apiVersion: 5, kind: 'ConfigMap' }, '400 invalid object type: /, Kind=ConfigMap'],
    [
      { ...type, metadata: { name: 'new', resourceVersion: 'x' } },
      '500 strconv.ParseUint: parsing "x": invalid syntax',
    ],
    [
      { ...type, metadata: { name: 'new', resourceVersion: '99999999999999999999999' } },
      '500 strconv.ParseUint: parsing "99999999999999999999999": value out of range',
    ],
    [
      { ...type, metadata: { namespace: 'other' } },
      '400 the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      { ...type, metadata: { resourceVersion: 'x' } },
      '400 the name of the object (new based on URL) was undeterminable: name must be provided',
    ],
  ])('%j', async (body, expected) => expect(await applied(body)).toBe(expected));

  it('may make what is being deleted already', async () => {
    const made = await client.patch(
      ConfigMap,
      { namespace: 'default', name: 'gone' },
      { apply: { ...type, metadata: { name: 'gone', deletionGracePeriodSeconds: 5 } }, fieldManager: 'one' },
    );
    expect(made.metadata.deletionGracePeriodSeconds).toBe(5);
  });
});

describe('managedFields that a client sends', () => {
  let client = createClient(open());
  beforeEach(async () => {
    client = createClient(open());
    await client.create(ConfigMap, { metadata: { ...ref, labels: { a: 'b' } } }, { fieldManager: 'twin' });
  });
  const entry = { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1' };
  const sent = async (...managedFields: object[]) => {
    const { metadata } = await client.patch(ConfigMap, ref, { merge: { metadata: { managedFields } } });
    return metadata.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
  };
  const old = [['twin', { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } }]];

  it.each<[unknown]>([
    [{ 'f:a': 1 }],
    [{ 'f:a': [] }],
    [[]],
    ['x'],
    [{ x: {} }],
    [{ 'k:[]': {} }],
    [{ 'k:5': {} }],
    [{ 'i:x': {} }],
    [{ 'v:': {} }],
    [{ 'v:x': {} }],
  ])('are as before where %j is no set of fields', async (fieldsV1) =>
    expect(await sent({ ...entry, fieldsV1 })).toEqual(old));

  it.each<[object, unknown]>([
    [{ 'f:metadata': { 'f:labels': { '.': {} } } }, { 'f:metadata': { 'f:labels': {} } }],
    [{ 'f:metadata': { 'f:name': {} } }, { 'f:metadata': { 'f:name': {} } }],
    [{ 'k:{"b":1,"a":2}': {} }, { 'k:{"a":2,"b":1}': {} }],
    [{ 'f:a': { '.': 1 } }, { 'f:a': {} }],
    [{ 'v:"<"': {} }, { 'v:"\\u003c"': {} }],
  ])('%j are written as %j', async (fieldsV1, expected) =>
    expect(await sent({ ...entry, fieldsV1 })).toEqual([['m', expected]]));

  it.each<[object]>([[{ 'z:a': {} }], [{ '.': {} }], [{}]])('%j is nothing', async (fieldsV1) =>
    expect(await sent({ ...entry, fieldsV1 })).toBeUndefined());

  it('are nobody any more with a version that is none', async () =>
    expect(await sent({ ...entry, apiVersion: 'a/b/c', fieldsV1: {} }, { ...entry, fieldsV1: {} })).toBeUndefined());

  it('lose what a create sets', async () => {
    const made = await client.create(ConfigMap, {
      metadata: {
        namespace: 'default',
        name: 'y',
        managedFields: [{ ...entry, operation: 'Update', fieldsV1: { 'f:metadata': { 'f:name': {}, 'f:uid': {} } } }],
      },
    });
    expect(made.metadata.managedFields).toMatchObject([{ manager: 'm', fieldsV1: { 'f:metadata': { 'f:uid': {} } } }]);
  });
});

describe('another namespace that a patch names', () => {
  it('is refused before another name, or none', async () => {
    const client = createClient(open());
    await client.create(ConfigMap, { metadata: ref });
    for (const name of [null, 'other', 'x']) {
      expect(await answer(client.patch(ConfigMap, ref, { merge: { metadata: { namespace: 'other', name } } }))).toBe(
        '400 the namespace of the provided object does not match the namespace sent on the request',
      );
    }
  });
});

describe('versions that a patch takes away', () => {
  it('are asked for by kinds that are written to by their version only', async () => {
    const client = createClient(open());
    await client.create(Lease, { metadata: ref, spec: {} });
    await client.create(ConfigMap, { metadata: ref });
    for (const resourceVersion of [null, '', '0', '00']) {
      const merge = { metadata: { resourceVersion } };
      expect(await answer(client.patch(Lease, ref, { merge }))).toBe(
        '422 leases.coordination.k8s.io "x" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
      );
      expect(await answer(client.patch(ConfigMap, ref, { merge }))).toBe('taken');
    }
  });
});

describe('scale', () => {
  it.each<[object, string]>([
    [{ name: null }, '400 the name of the object (x based on URL) was undeterminable: name must be provided'],
    [
      { name: null, namespace: 'other' },
      '400 the namespace of the provided object does not match the namespace sent on the request',
    ],
    [{ resourceVersion: 'x' }, '500 strconv.ParseUint: parsing "x": invalid syntax'],
    [{ resourceVersion: '0' }, 'taken'],
    [
      { uid: 'y' },
      '409 Operation cannot be fulfilled on deployments/scale.apps "x": Precondition failed: UID in precondition: y, UID in object meta: UID',
    ],
  ])('patched with %j', async (metadata, expected) => {
    const transport = open();
    const client = createClient(transport);
    const { metadata: made } = await client.create(Deployment, {
      metadata: ref,
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    const target = { group: 'apps', version: 'v1', resource: 'deployments', ...ref, subresource: 'scale' };
    const patchType = 'application/merge-patch+json' as const;
    const got = await answer(transport.request({ verb: 'patch', ...target, patchType, body: { metadata } }));
    expect(got.replace(made.uid ?? '?', 'UID')).toBe(expected);
  });
});

describe('owners that are named twice', () => {
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'o', uid: 'u' };

  it('are kept once, and owned as several', async () => {
    const metadata = { ...ref, ownerReferences: [owner, owner] };
    const made = await createClient(open()).create(ConfigMap, { metadata }, { fieldManager: 'twin' });
    expect(made.metadata.ownerReferences).toEqual([owner]);
    expect(made.metadata.managedFields?.[0]?.fieldsV1).toEqual({
      'f:metadata': { 'f:ownerReferences': { '.': {}, 'k:{"uid":"u"}': {} } },
    });
  });

  it.each([
    [false, 'duplicate entries; API server'],
    [true, 'duplicate entries after mutating admission happens; API server'],
  ])('are told of, patched: %s', (patched, text) => {
    const draft = { metadata: { name: 'x', ownerReferences: [owner, owner] } };
    expect(dedupeOwners(draft, patched)).toContain(text);
  });
});
