import {
  CustomResourceDefinition,
  isJsonObject,
  type JSONSchemaProps,
  type KubernetesObject,
  type NewObject,
  type ResourceType,
  systemClock,
  systemRandom,
} from '@keelson/core';
import { createClient } from '@keelson/core/client';
import { silentLogger } from '@keelson/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Json, type TestWebhookServer, testWebhookServer } from '../admission/webhook/webhook-server.test-data.ts';
import { inProcessTransport } from '../registry/in-process-transport.ts';
import { ResourceRegistry } from '../registry/resource-registry.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';

interface Thing extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>>;
}
const group = 'conv.example.com';
const thing = (version: string): ResourceType<Thing> => ({
  group,
  version,
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
});
const [v1, v2] = [thing('v1'), thing('v2')];
const ref = { namespace: 'default', name: 'x' };
const texts = (...names: string[]): Record<string, JSONSchemaProps> =>
  Object.fromEntries(names.map((each) => [each, { type: 'string' }]));
const schema = (properties: Record<string, JSONSchemaProps>): { readonly openAPIV3Schema: JSONSchemaProps } => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
});

type Conversion = NonNullable<CustomResourceDefinition['spec']['conversion']>;

/** v1 has `a` where v2 has `b`; each has defaults of its own. */
const definition = (conversion: Conversion, storage: string): NewObject<CustomResourceDefinition> => ({
  metadata: { name: `things.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { plural: 'things', kind: 'Thing' },
    conversion,
    versions: [
      {
        name: 'v1',
        served: true,
        storage: storage === 'v1',
        schema: schema({
          ...texts('a'),
          d: { type: 'string', default: 'dv1' },
          o1: { type: 'string', default: 'only1' },
        }),
      },
      {
        name: 'v2',
        served: true,
        storage: storage === 'v2',
        schema: schema({
          ...texts('a', 'b'),
          d: { type: 'string', default: 'dv2' },
          o2: { type: 'string', default: 'only2' },
        }),
      },
    ],
  },
});

interface Converted {
  apiVersion?: unknown;
  kind?: unknown;
  metadata?: Json | string;
  spec?: Json;
}
interface Answer {
  apiVersion?: unknown;
  kind?: unknown;
  response?: {
    uid?: unknown;
    result?: unknown;
    convertedObjects?: unknown;
  };
}
const objectsOf = (request: Json): readonly Json[] => (Array.isArray(request['objects']) ? request['objects'] : []);

/** What a well-behaved webhook answers. */
function converted(request: Json): Required<Answer> & { readonly list: Converted[] } {
  const desired = String(request['desiredAPIVersion']);
  const list = objectsOf(request).map((each): Converted => {
    const { a, b, o1: _o1, o2: _o2, ...rest } = isJsonObject(each['spec']) ? each['spec'] : {};
    const value = a ?? b;
    const spec = value === undefined ? rest : { ...rest, [desired.endsWith('v1') ? 'a' : 'b']: value };
    return { ...each, apiVersion: desired, spec };
  });
  const response = { uid: request['uid'], result: { status: 'Success' }, convertedObjects: list };
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response, list };
}

async function open(conversion: Conversion, storage = 'v1') {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    freeze: true,
  });
  const client = createClient(inProcessTransport(registry, { name: 'admin', groups: ['system:masters'] }));
  await client.create(CustomResourceDefinition, definition(conversion, storage));
  for await (const { object } of client.watch(CustomResourceDefinition)) {
    if (object.status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True')) break;
  }
  return { registry, client };
}

const spread = (name: string) => ({ metadata: { ...ref, name } });

describe('versions that a webhook converts', () => {
  let hook: TestWebhookServer;
  let server: Awaited<ReturnType<typeof open>>;
  const answer = (change: (given: ReturnType<typeof converted>, request: Json) => unknown) =>
    hook.handle('/convert', (request) => {
      const given = converted(request);
      const { list: _list, ...whole } = given;
      const changed = change(given, request);
      return typeof changed === 'string' ? { raw: changed } : { raw: JSON.stringify(changed ?? whole) };
    });
  const clientConfig = () => ({ url: `https://127.0.0.1:${hook.port}/convert`, caBundle: hook.caBundle });
  beforeAll(async () => {
    hook = await testWebhookServer();
    server = await open({
      strategy: 'Webhook',
      webhook: { conversionReviewVersions: ['v1'], clientConfig: clientConfig() },
    });
    answer(() => undefined);
    const metadata = { ...ref, labels: { l: '1' }, annotations: { k: 'v' } };
    await server.client.create(v1, { metadata, spec: { a: 'A' } });
  });
  beforeEach(async () => {
    answer(() => undefined);
    // A new state, which nobody has converted yet.
    await server.client.patch(v1, ref, { merge: { spec: { d: String(systemRandom()) } } });
    hook.seen.length = 0;
  });
  afterAll(async () => {
    await server.registry.close();
    hook.stop();
  });

  it('are read without defaults of their own, and converted once however often', async () => {
    const { client } = server;
    const seen = await client.get(v2, ref);
    expect(seen.apiVersion).toBe(`${group}/v2`);
    expect(seen.spec).toEqual({ b: 'A', d: seen.spec?.['d'] });
    expect((await client.list(v2)).items.map(({ spec }) => spec)).toEqual([seen.spec]);
    await client.get(v2, ref);
    expect(hook.seen.length).toBe(1);
    const [{ request }] = hook.seen as [TestWebhookServer['seen'][number]];
    expect(hook.seen[0]?.path).toBe('/convert?timeout=30s');
    expect(request).toMatchObject({
      desiredAPIVersion: `${group}/v2`,
      objects: [{ apiVersion: `${group}/v1`, kind: 'Thing' }],
    });
    expect(Object.keys((objectsOf(request)[0]?.['metadata'] ?? {}) as object)).not.toContain('resourceVersion');
  });

  it('are written in the stored version, and answered as they will be read', async () => {
    const { client } = server;
    const made = await client.create(v2, { ...spread('y'), spec: { b: 'B' } });
    expect(made).toMatchObject({ apiVersion: `${group}/v2`, metadata: { generation: 1 } });
    expect(made.spec).toEqual({ b: 'B', d: 'dv2' });
    expect((await client.get(v1, { ...ref, name: 'y' })).spec).toEqual({ a: 'B', d: 'dv2', o1: 'only1' });
    const patched = await client.patch(v2, { ...ref, name: 'y' }, { merge: { spec: { b: 'C' } } });
    expect(patched.spec).toMatchObject({ b: 'C' });
    expect(patched.metadata.generation).toBe(2);
    await client.delete(v2, { ...ref, name: 'y' });
  });

  it('reach each watcher in its version, in order, converted once', async () => {
    const { client } = server;
    const abort = new AbortController();
    const follow = async (type: ResourceType<Thing>) => {
      const told: string[] = [];
      for await (const event of client.watch(type, { signal: abort.signal })) {
        const { spec } = event.object;
        told.push(`${event.type} ${event.object.apiVersion?.slice(-2)} ${spec?.['a'] ?? spec?.['b']}`);
        if (event.type === 'DELETED') return told;
      }
      return told;
    };
    const versions = [v1, v2, v2, v2];
    const all = versions.map(follow);
    await client.get(v2, ref);
    hook.seen.length = 0;
    for (const name of ['w']) {
      await client.create(v1, { ...spread(name), spec: { a: '0' } });
      for (let at = 1; at < 5; at++) await client.patch(v1, { ...ref, name }, { merge: { spec: { a: String(at) } } });
      await client.delete(v1, { ...ref, name });
    }
    for (const [at, told] of (await Promise.all(all)).entries()) {
      const version = versions[at]?.version;
      expect(told.slice(-6)).toEqual([
        `ADDED ${version} 0`,
        ...[1, 2, 3, 4].map((each) => `MODIFIED ${version} ${each}`),
        `DELETED ${version} 4`,
      ]);
    }
    abort.abort();
    expect(hook.seen.length).toBeLessThanOrEqual(6);
  });

  it('share their owners by way of conversions', async () => {
    const { client } = server;
    const place = { ...ref, name: 'o' };
    const apply = (type: ResourceType<Thing>, fieldManager: string, spec: object, force: boolean) =>
      client.patch(type, place, {
        apply: { apiVersion: `${group}/${type.version}`, kind: 'Thing', metadata: place, spec },
        fieldManager,
        force,
      });
    await apply(v1, 'one', { a: 'D' }, false);
    await apply(v2, 'two', { b: 'E' }, true);
    await expect(apply(v1, 'one', { a: 'D' }, false)).rejects.toThrow(
      'Apply failed with 1 conflict: conflict with "two": .spec.b',
    );
    const seen = await apply(v2, 'two', {}, true);
    expect(seen.spec).toEqual({ d: 'dv1' });
    await client.delete(v1, place);
  });

  const failed = `conversion webhook for ${group}/v1, Kind=Thing failed: `;
  const invalid = `conversion webhook for ${group}/v1, Kind=Thing returned invalid `;
  const inResponse = (response: object) => (given: ReturnType<typeof converted>) => ({
    apiVersion: given.apiVersion,
    kind: given.kind,
    response: { ...given.response, ...response },
  });
  const inObject = (change: (object: Converted) => unknown) => (given: ReturnType<typeof converted>) => {
    const convertedObjects = given.list.map(change);
    return inResponse({ convertedObjects })(given);
  };
  const inMetadata = (metadata: object) =>
    inObject((each) => ({ ...each, metadata: { ...(each.metadata as Json), ...metadata } }));
  const shape =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  const labelRule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

  // What a real kube-apiserver v1.35 says of each.
  it.each<[string, (given: ReturnType<typeof converted>, request: Json) => unknown, string]>([
    [
      'text',
      () => 'hello',
      `${failed}couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type ${shape}`,
    ],
    [
      'a list',
      () => '[]',
      `${failed}couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${shape}`,
    ],
    [
      'nothing',
      () => '{}',
      `${failed}expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=`,
    ],
    [
      'another kind',
      (given) => ({ ...given, kind: 'Other' }),
      `${failed}no kind "Other" is registered for version "apiextensions.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"`,
    ],
    [
      'another version',
      (given) => ({ ...given, apiVersion: 'apiextensions.k8s.io/v1beta1' }),
      `${failed}converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion`,
    ],
    [
      'a Status',
      () => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'no' }),
      `${failed}converting (v1.Status) to (v1.ConversionReview): unknown conversion`,
    ],
    ['no response', ({ apiVersion, kind }) => ({ apiVersion, kind }), `${failed}no response provided`],
    ['a failure', inResponse({ result: { status: 'Failed', message: 'because' } }), `${failed}because`],
    [
      'a failure without words',
      inResponse({ result: { status: 'Failure', reason: 'Why' } }),
      `${failed}response.result.status was 'Failure', not 'Success'`,
    ],
    ['no result', inResponse({ result: undefined }), `${failed}response.result.status was '', not 'Success'`],
    [
      'no objects',
      inResponse({ convertedObjects: null }),
      `conversion webhook for ${group}/v1, Kind=Thing returned 0 objects, expected 1`,
    ],
    ['null for an object', inResponse({ convertedObjects: [null] }), 'unexpected end of JSON input'],
    [
      'text for an object',
      inResponse({ convertedObjects: ['a'] }),
      'json: cannot unmarshal string into Go value of type map[string]interface {}',
    ],
    ['an empty object', inResponse({ convertedObjects: [{}] }), "Object 'Kind' is missing in '{}'"],
    [
      'a map of objects',
      inResponse({ convertedObjects: {} }),
      `${failed}json: cannot unmarshal object into Go struct field ConversionResponse.response.convertedObjects of type []runtime.RawExtension`,
    ],
    [
      'a text as result',
      inResponse({ result: 'Success' }),
      `${failed}json: cannot unmarshal string into Go struct field ConversionResponse.response.result of type v1.Status`,
    ],
    [
      'a number as uid',
      inResponse({ uid: 1 }),
      `${failed}json: cannot unmarshal number into Go struct field ConversionResponse.response.uid of type types.UID`,
    ],
    [
      'the version that it had',
      inObject((each) => ({ ...each, apiVersion: `${group}/v1` })),
      `${invalid}object at index 0: invalid groupVersion (expected ${group}/v2, received ${group}/v1)`,
    ],
    [
      'an object of another kind',
      inObject((each) => ({ ...each, kind: 'Other' })),
      `${invalid}object at index 0: invalid kind (expected Thing, received Other)`,
    ],
    ['another name', inMetadata({ name: 'other' }), `${invalid}object: must have the same name: x != other`],
    [
      'another namespace',
      inMetadata({ namespace: 'other' }),
      `${invalid}object: must have the same namespace: default != other`,
    ],
    [
      'no metadata',
      inObject(({ metadata: _metadata, ...rest }) => rest),
      `${invalid}object: must have the same name: x != `,
    ],
    [
      'a bad label',
      inMetadata({ labels: { a: 'c d' } }),
      `${invalid}metadata: metadata.labels: Invalid value: "c d": ${labelRule}`,
    ],
    [
      'labels that are none',
      inMetadata({ labels: { a: 1 } }),
      `${invalid}metadata: metadata.labels[a] must be a string, but is int64 in converted object`,
    ],
    [
      'a text as labels',
      inMetadata({ labels: 'x' }),
      `${invalid}metadata: invalid metadata.labels of type string in converted object`,
    ],
  ])('answers %s', async (_name, change, message) => {
    answer(change);
    await expect(server.client.get(v2, ref)).rejects.toMatchObject({ code: 500, message });
  });

  it('keeps metadata but for labels and annotations, and leaves what the schema has no place for', async () => {
    const before = await server.client.get(v1, ref);
    const rest = { generation: 77, finalizers: ['z.z/z'], creationTimestamp: '2000-01-01T00:00:00Z', foo: 'bar' };
    answer(inMetadata({ ...rest, labels: { n: 'new' }, annotations: { q: 'r' } }));
    const { metadata } = await server.client.get(v2, ref);
    expect(metadata).toEqual({ ...before.metadata, labels: { n: 'new' }, annotations: { q: 'r' } });
    expect((await server.client.list(v2, { labelSelector: 'n=new' })).items.length).toBe(1);
    await server.client.patch(v1, ref, { merge: { spec: { d: 'again' } } });
    answer(inObject((each) => ({ ...each, spec: { a: 5, zzz: 1 } })));
    expect((await server.client.get(v2, ref)).spec).toEqual({ a: 5 });
  });

  it('fails for who needs the conversion, and for nobody else', async () => {
    const { client } = server;
    answer(inResponse({ result: { status: 'Failed', message: 'because' } }));
    const because = { code: 500, message: `${failed}because` };
    const unready = {
      code: 429,
      message: `storage is (re)initializing: failed to list ${group}/v2, Kind=Thing: ${because.message}`,
    };
    // By pages.
    await expect(client.list(v2)).rejects.toMatchObject(because);
    await expect(client.list(v2, { labelSelector: 'a=b' })).rejects.toMatchObject(unready);
    await expect(client.patch(v2, ref, { merge: {} })).rejects.toMatchObject(because);
    await expect(client.delete(v2, ref)).rejects.toMatchObject(because);
    await expect(client.create(v2, { ...spread('n'), spec: {} })).rejects.toMatchObject({
      message: `conversion webhook for ${group}/v2, Kind=Thing failed: because`,
    });
    expect((await client.list(v1)).items.length).toBe(1);
    await client.patch(v1, ref, { merge: { spec: { a: 'on' } } });
    const watching = (async () => {
      for await (const _event of client.watch(v2)) return 'told';
      return 'over';
    })();
    await expect(watching).rejects.toMatchObject(unready);
    answer(() => undefined);
    expect((await client.get(v2, ref)).spec).toMatchObject({ b: 'on' });
  });
});

describe('versions that differ in their names only', () => {
  // What a real kube-apiserver v1.35 answers, request by request.
  it('lose what the stored version has no place for, and get its defaults', async () => {
    const { client, registry } = await open({ strategy: 'None' });
    const at = (name: string) => ({ ...ref, name });
    expect((await client.create(v1, { ...spread('x'), spec: { a: 'A' } })).spec).toEqual({
      a: 'A',
      d: 'dv1',
      o1: 'only1',
    });
    expect((await client.get(v2, at('x'))).spec).toEqual({ a: 'A', d: 'dv1' });
    expect((await client.create(v2, { ...spread('y'), spec: { a: 'A', b: 'B' } })).spec).toEqual({ a: 'A', d: 'dv2' });
    expect((await client.get(v1, at('y'))).spec).toEqual({ a: 'A', d: 'dv2', o1: 'only1' });
    await client.patch(v1, at('y'), { merge: { spec: { a: 'P' } } });
    expect((await client.get(v2, at('y'))).spec).toEqual({ a: 'P', d: 'dv2' });
    const untouched = await client.patch(v2, at('x'), { merge: { spec: { a: 'A' } } });
    expect(untouched).toMatchObject({ spec: { a: 'A', d: 'dv1' }, metadata: { generation: 2 } });

    const before = await client.get(CustomResourceDefinition, { name: `things.${group}` });
    const versions = before.spec.versions.map((each) => ({ ...each, storage: each.name === 'v2' }));
    const changed = await client.update(CustomResourceDefinition, { ...before, spec: { ...before.spec, versions } });
    expect(changed.status?.storedVersions).toEqual(['v1', 'v2']);
    while ((await client.get(v1, at('y'))).spec?.['o1'] !== 'only1') await systemClock.sleep(1);
    const old = await client.get(v1, at('y'));
    // A plain rewrite moves it to the new version.
    const moved = await client.update(v1, old);
    expect(moved.spec).toEqual({ a: 'P', d: 'dv2' });
    expect(moved.metadata.resourceVersion).not.toBe(old.metadata.resourceVersion);
    await registry.close();
  });

  // What a real kube-apiserver v1.35 answers, request by request.
  it('share no owners of what one of them does not specify', async () => {
    const { client, registry } = await open({ strategy: 'None' });
    const apply = (type: ResourceType<Thing>, fieldManager: string, spec: Readonly<Record<string, unknown>>) =>
      client.patch(type, ref, {
        apply: { apiVersion: `${group}/${type.version}`, kind: 'Thing', metadata: ref, spec },
        fieldManager,
        force: true,
      });
    const owners = ({ metadata }: KubernetesObject) => metadata.managedFields?.map(({ manager }) => manager);
    await client.create(v2, { metadata: ref, spec: { a: '1' } });
    // v1 gets a default on reads, for which v2 has no place.
    expect(owners(await apply(v2, 'two', { a: '2' }))).toEqual(['two', 'unknown']);
    await expect(apply(v1, 'one', { a: '3' })).rejects.toMatchObject({
      code: 500,
      message: '.spec.o1: field not declared in schema',
    });
    const patched = await client.patch(v1, ref, { merge: { spec: { a: '4' } } });
    expect(owners(patched)).toBeUndefined();
    await registry.close();
  });

  // A real kube-apiserver v1.35 ends them within a second or so.
  it('are watched until their definition changes, or the last object of it has gone', async () => {
    const { client, registry } = await open({ strategy: 'None' });
    const name = `things.${group}`;
    const follow = async () => {
      const told: string[] = [];
      for await (const { type } of client.watch(v1)) told.push(type);
      return told;
    };
    const first = follow();
    await client.create(v2, { ...spread('x'), spec: { a: 'A' } });
    await client.patch(CustomResourceDefinition, { name }, { merge: { metadata: { labels: { a: 'b' } } } });
    const columns = [{ name: 'x', type: 'string', jsonPath: '.x' }];
    const patch = [{ op: 'add', path: '/spec/versions/0/additionalPrinterColumns', value: columns }];
    await client.patch(CustomResourceDefinition, { name }, { json: patch });
    expect(await first).toEqual(['ADDED']);
    const second = client.watch(v1)[Symbol.asyncIterator]();
    expect((await second.next()).value).toMatchObject({ type: 'ADDED' });
    await client.delete(CustomResourceDefinition, { name });
    expect((await second.next()).value).toMatchObject({ type: 'DELETED' });
    expect(await second.next()).toMatchObject({ done: true });
    await registry.close();
  });
});
