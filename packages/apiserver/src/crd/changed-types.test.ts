import { type ApiRequest, CustomResourceDefinition, type NewObject, systemClock, systemRandom } from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { filter, firstValueFrom, startWith } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

const admin = { name: 'admin', groups: ['system:masters'] };
const apiVersion = 'keelson.test/v1';
const string = { type: 'string' };
type Fields = Readonly<Record<string, object>>;

function typed(properties: Fields): NewObject<CustomResourceDefinition> {
  const schema = { openAPIV3Schema: { type: 'object', properties } };
  const versions = [{ name: 'v1', served: true, storage: true, subresources: { status: {} }, schema }];
  const names = { plural: 'things', kind: 'Thing' };
  return {
    metadata: { name: 'things.keelson.test' },
    spec: { group: 'keelson.test', scope: 'Cluster', names, versions },
  } as NewObject<CustomResourceDefinition>;
}

/** A server with a type of these fields, which may become another. */
async function open(fields: Fields) {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  const client = createClient(inProcessTransport(registry, admin));
  const until = (name: string) =>
    firstValueFrom(
      registry.catalog.changes$.pipe(
        startWith(undefined),
        filter(() =>
          JSON.stringify(registry.catalog.find('keelson.test', 'v1', 'things')?.schema ?? '').includes(name),
        ),
      ),
    );
  await client.create(CustomResourceDefinition, typed({ ...fields, first: string }));
  await until('first');
  const send = async (request: Partial<ApiRequest>) => {
    const target = { group: 'keelson.test', version: 'v1', resource: 'things' };
    const answer = await registry.handle({ verb: 'create', ...target, ...request } as ApiRequest, admin);
    if (answer.type !== 'object') throw new Error('no object was answered');
    const { metadata, ...rest } = answer.value.object;
    return { ...rest, metadata } as Record<string, unknown> & typeof answer.value.object;
  };
  const patch = (body: object, subresource?: string) =>
    send({
      verb: 'patch',
      name: 'a',
      patchType: 'application/merge-patch+json',
      body,
      ...(subresource !== undefined && { subresource }),
    });
  const become = async (next: Fields) => {
    await client.patch(
      CustomResourceDefinition,
      { name: 'things.keelson.test' },
      { merge: { spec: typed({ ...next, second: string }).spec } },
    );
    await until('second');
  };
  return { send, patch, become };
}

const thing = (fields: object) => ({ apiVersion, kind: 'Thing', metadata: { name: 'a' }, ...fields });

// All answers are a real v1.35.4's.
describe('what a custom resource says that it is', () => {
  it('must be said, and be of the version', async () => {
    const { send } = await open({});
    const metadata = { name: 'b' };
    const wrong = (message: string) => ({ code: 400, message });
    const unrecognized = 'the object provided is unrecognized (must be of type Thing): ';
    const mismatch = (version: string) =>
      wrong(`the API version in the data (${version}) does not match the expected API version (${apiVersion})`);
    for (const [body, error] of [
      [{ kind: 'Thing', metadata }, mismatch('')],
      [{ kind: 'Status', apiVersion: 'v1', metadata }, mismatch('v1')],
      [
        { metadata, spec: {} },
        wrong(
          `${unrecognized}Object 'Kind' is missing in '{"metadata":{"name":"b"},"spec":{}}' ({"metadata":{"name":"b"},"spec ...)`,
        ),
      ],
      [
        { kind: 'Thing', apiVersion: 'a/b/c' },
        wrong(`${unrecognized}unexpected GroupVersion string: a/b/c ({"kind":"Thing","apiVersion":" ...)`),
      ],
      [
        { kind: 1, apiVersion: 'v1', metadata },
        wrong(
          `${unrecognized}couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1,"apiVersion":"v1","m ...)`,
        ),
      ],
      [
        { kind: 'Foo', apiVersion, metadata },
        { code: 422, message: 'Foo.keelson.test "b" is invalid: kind: Invalid value: "Foo": must be Thing' },
      ],
    ] as const) {
      await expect(send({ body })).rejects.toMatchObject(error);
    }
  });

  it('is looked at after the version that is written over, and both in a patch', async () => {
    const { send, patch } = await open({});
    await send({ body: thing({}) });
    const put = send({ verb: 'update', name: 'a', body: { ...thing({}), kind: 'Foo' } });
    await expect(put).rejects.toThrow('metadata.resourceVersion: Invalid value: 0: must be specified for an update');
    await expect(patch({ kind: 'Status', apiVersion: 'v1' })).rejects.toThrow(
      `Status "a" is invalid: [kind: Invalid value: "Status": must be Thing, apiVersion: Invalid value: "v1": must be ${apiVersion}]`,
    );
  });
});

describe('a type that changes', () => {
  it('is no change of what it has no place for any more, which the next write leaves out', async () => {
    const { send, patch, become } = await open({ gone: string, none: { ...string, nullable: true } });
    const made = await send({ body: thing({ gone: 'x', none: null }) });
    await become({ none: string, late: { ...string, default: 'q' } });
    const read = await send({ verb: 'get', name: 'a' });
    expect(Object.keys(read)).toEqual(['kind', 'apiVersion', 'late', 'metadata']);
    expect(read.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    const written = await patch({});
    expect(written.metadata.resourceVersion).not.toBe(made.metadata.resourceVersion);
    expect(written.metadata.generation).toBe(1);
    expect((await patch({ gone: 'y' })).metadata).toEqual(written.metadata);
    expect((await patch({ late: 'z' })).metadata.generation).toBe(2);
  });

  it('looks again at elements that have no keys, but not by way of the status', async () => {
    const item = { type: 'object', properties: { n: string, m: string } };
    const keyed = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['n', 'm'] };
    const status = { type: 'object', properties: { s: string } };
    const { send, patch, become } = await open({ l: { type: 'array', items: item }, o: string, status });
    await send({ body: thing({ l: [{ n: 'a' }] }) });
    await become({ l: { type: 'array', items: { ...item, required: ['n', 'm'] }, ...keyed }, o: string, status });
    await expect(patch({ o: '1' })).rejects.toThrow('Thing.keelson.test "a" is invalid: l[0].m: Required value');
    await expect(patch({ status: { s: '1' } }, 'status')).resolves.toMatchObject({ status: { s: '1' } });
  });

  it('lets what stood twice in a set stand, and anything else, too', async () => {
    const set = { type: 'array', items: string };
    const { send, patch, become } = await open({ s: set });
    await send({ body: thing({ s: ['a', 'a'] }) });
    await become({ s: { ...set, 'x-kubernetes-list-type': 'set' } });
    await expect(patch({ s: ['a', 'a', 'c', 'a'] })).resolves.toMatchObject({ s: ['a', 'a', 'c', 'a'] });
    await patch({ s: ['a', 'c'] });
    await expect(patch({ s: ['b', 'a', 'b', 'b', 'a'] })).rejects.toThrow(
      'Thing.keelson.test "a" is invalid: [s[2]: Duplicate value: "b", s[4]: Duplicate value: "a"]',
    );
  });
});
